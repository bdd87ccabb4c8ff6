/** Bytes of file records: made for the samples, kept for those written. */
import { createHash } from 'node:crypto'
import type { Collection } from './description.ts'
import { type Item, put } from './paths.ts'

export type ContentSpec = NonNullable<Collection['content']>

/** Bytes of every value, and no two files alike; small, but larger than one chunk of a socket would be for the first. */
export function sampleBytes(i: number): Buffer {
  const size = i === 0 ? 200_000 : 300 + ((i * 37) % 900)
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + i * 7 + (at >> 8)) & 0xff
  return bytes
}

/** What the record says of its bytes. */
export function tellOf(record: Item, bytes: Buffer, { size, hash, size_as_text }: ContentSpec): void {
  if (size) put(record, size, size_as_text ? String(bytes.length) : bytes.length)
  if (hash)
    put(
      record,
      hash.field,
      createHash(hash.algorithm)
        .update(bytes)
        .digest(hash.as ?? 'hex'),
    )
}
