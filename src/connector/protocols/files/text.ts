/** File bytes to text, without a wrong guess going unnoticed. */
import { CausewayError } from '../../../core/index.ts'
import type { OpenedFile } from './place.ts'

/** Encodings that files are read in; only UTF-8 is written. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'windows-1252', 'iso-8859-2', 'iso-8859-15', 'windows-1250'] as const
export type Encoding = (typeof ENCODINGS)[number]

const CHUNK = 256 * 1024

/**
 * The text of a file in chunks, read at explicit offsets so that the handle stays usable. Bytes that are not valid in the
 * encoding end it with CSW-2053: a replacement character would be delivered as if it were data. A BOM is left out.
 */
export async function* textOf(handle: OpenedFile, name: string, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const buffer = Buffer.allocUnsafe(CHUNK)
  let offset = 0
  for (;;) {
    const bytesRead = await handle.read(buffer, offset)
    const text = decode(decoder, buffer.subarray(0, bytesRead), bytesRead > 0, { name, encoding, offset })
    if (text !== '') yield text
    if (bytesRead === 0) return
    offset += bytesRead
  }
}

type Where = { name: string; encoding: Encoding; offset: number }

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer, stream: boolean, where: Where): string {
  try {
    return decoder.decode(bytes, { stream })
  } catch (cause) {
    throw new CausewayError('CSW-2053', {
      what: `File ${JSON.stringify(where.name)} is not valid ${where.encoding} near byte ${where.offset}.`,
      fix: 'Set `encoding` of the connection to what the file is written in, for example windows-1252.',
      cause,
    })
  }
}

/** True when the file begins with the UTF-8 byte order mark, which a rewrite then keeps: Excel goes by it. */
export async function hasBom(handle: OpenedFile): Promise<boolean> {
  const first = Buffer.alloc(3)
  return (await handle.read(first, 0)) === 3 && first.equals(Buffer.from([0xef, 0xbb, 0xbf]))
}
