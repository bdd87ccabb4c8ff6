/** Cuts a stream into the parts of an upload, holding one of them in memory at a time. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'

export type DigestName = 'md5' | 'sha1' | 'sha256'

export type UploadPart = {
  /** Counted from 1. */
  number: number
  /** Offset of its first byte in the file. */
  first: number
  bytes: Buffer
  isLast: boolean
}

/** What is known of the bytes up to a point. The checksum survives a restart; a digest needs all bytes in one go. */
export type Sums = { crc32: number; digest: (() => Buffer) | null }

export type CutOptions = {
  /** Where the stream begins, and where the parts shall begin: bytes between are counted into the sums only. */
  from: number
  begin: number
  partSize: number
  /** Number of the first part that is given. */
  number: number
  crc32: number
  digest: DigestName | undefined
}

/** The parts of a stream in order; an empty rest gives none. The sums belong to all bytes up to the end of the part given last. */
export async function* partsOf(stream: Readable, options: CutOptions): AsyncGenerator<UploadPart & { sums: Sums }> {
  const { begin, partSize } = options
  const hash = options.digest ? createHash(options.digest) : null
  let crc = options.crc32
  let at = options.from
  let number = options.number
  let held: Buffer[] = []
  let length = 0
  const summed = (bytes: Buffer) => {
    crc = crc32(bytes, crc)
    hash?.update(bytes)
  }
  const cut = (size: number, isLast: boolean): UploadPart & { sums: Sums } => {
    const joined = held.length === 1 ? held[0]! : Buffer.concat(held, length)
    const bytes = joined.subarray(0, size)
    held = size < joined.length ? [joined.subarray(size)] : []
    length -= size
    summed(bytes)
    const part = { number: number++, first: at, bytes, isLast }
    at += size
    return { ...part, sums: { crc32: crc, digest: hash ? () => hash.copy().digest() : null } }
  }
  for await (let chunk of stream as AsyncIterable<Buffer>) {
    if (at < begin) {
      const passed = chunk.subarray(0, begin - at)
      summed(passed)
      at += passed.length
      chunk = chunk.subarray(passed.length)
    }
    if (chunk.length === 0) continue
    held.push(chunk)
    length += chunk.length
    // One byte more than a part: only then is it certain not to be the last.
    while (length > partSize) yield cut(partSize, false)
  }
  if (length > 0) yield cut(length, true)
}
