/** Whether a file is the one that was begun, where its source gives no mark (ETag, date) that would tell: its first bytes are read again. */
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { CausewayError } from '../../core/index.ts'

/** What was read of it before. */
export type ReadBefore = { length: number; crc32: number }

/** The bytes of a stream; throws `otherwise` where the first of them are not those that were read before. */
export async function* withSameBeginning(
  stream: Readable,
  before: ReadBefore,
  otherwise: () => Error,
): AsyncGenerator<Buffer> {
  let left = before.length
  let sum = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (left > 0) {
      const first = chunk.subarray(0, left)
      sum = crc32(first, sum)
      left -= first.length
      if (left === 0 && sum !== before.crc32) throw otherwise()
    }
    yield chunk
  }
  // A cut, or a shorter file: nobody knows, and another try will tell.
  if (left > 0) throw new CausewayError('CSW-3001', { what: 'The file ended before the place where it was to go on.' })
}
