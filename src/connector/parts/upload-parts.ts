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
  /** Valid until the next part is asked for, which is put into the same memory. */
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
  /** Bytes of the whole file, where they are known: less than a part takes less memory than one. */
  size?: number | undefined
  /** Number of the first part that is given. */
  number: number
  crc32: number
  digest: DigestName | undefined
}

/**
 * The parts of a stream in order; an empty rest gives none. The sums belong to all bytes up to the end of the part given last.
 * All parts are filled into one buffer: pieces kept until a part is whole would grow old before they die, and with them the process.
 */
export async function* partsOf(stream: Readable, options: CutOptions): AsyncGenerator<UploadPart & { sums: Sums }> {
  const { begin, partSize } = options
  const hash = options.digest ? createHash(options.digest) : null
  const part = new PartBuffer(partSize, options.size === undefined ? partSize : options.size - begin)
  let crc = options.crc32
  let at = options.from
  let number = options.number
  const summed = (bytes: Buffer) => {
    crc = crc32(bytes, crc)
    hash?.update(bytes)
  }
  const cut = (isLast: boolean): UploadPart & { sums: Sums } => {
    const bytes = part.taken()
    summed(bytes)
    const first = at
    at += bytes.length
    return {
      number: number++,
      first,
      bytes,
      isLast,
      sums: { crc32: crc, digest: hash ? () => hash.copy().digest() : null },
    }
  }
  for await (let chunk of stream as AsyncIterable<Buffer>) {
    if (at < begin) {
      const passed = chunk.subarray(0, begin - at)
      summed(passed)
      at += passed.length
      chunk = chunk.subarray(passed.length)
    }
    while (chunk.length > 0) {
      // Only with a byte more than a part is it certain not to be the last.
      if (part.isFull) yield cut(false)
      chunk = chunk.subarray(part.fill(chunk))
    }
  }
  if (part.length > 0) yield cut(true)
}

/** The memory that parts are put together in. */
class PartBuffer {
  private readonly partSize: number
  private memory: Buffer
  length = 0

  /** `expected` bytes are what is left of the file; it may turn out to be longer. */
  constructor(partSize: number, expected: number) {
    this.partSize = partSize
    // Not from the pool of small buffers, which others share.
    this.memory = Buffer.allocUnsafeSlow(Math.max(0, Math.min(partSize, expected)))
  }

  get isFull(): boolean {
    return this.length === this.partSize
  }

  /** Takes what there is room for. Gives how many bytes that were. */
  fill(chunk: Buffer): number {
    const wanted = Math.min(chunk.length, this.partSize - this.length)
    if (this.length + wanted > this.memory.length) this.grow()
    chunk.copy(this.memory, this.length, 0, wanted)
    this.length += wanted
    return wanted
  }

  /** What is in it. The next bytes go over it. */
  taken(): Buffer {
    const bytes = this.memory.subarray(0, this.length)
    this.length = 0
    return bytes
  }

  private grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.partSize)
    this.memory.copy(larger, 0, 0, this.length)
    this.memory = larger
  }
}
