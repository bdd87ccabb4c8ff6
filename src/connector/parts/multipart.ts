/** `multipart/form-data` (RFC 7578) around a stream, without holding its bytes. */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { isObject, type JsonObject } from '../../core/index.ts'
import { asText } from '../language/index.ts'

type FilePart = { stream: Readable; size?: number; mediaType?: string; field: string; name: string }

/** Fields in their order, then the file. `size` is known when the file's is. */
export function multipart(fields: JsonObject, file: FilePart): { body: Readable; type: string; size?: number } {
  const boundary = `causeway-${randomUUID()}`
  let head = ''
  for (const [name, value] of Object.entries(fields)) {
    const json = isObject(value) || Array.isArray(value)
    head += `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n`
    head += `${json ? 'Content-Type: application/json\r\n' : ''}\r\n${json ? JSON.stringify(value) : asText(value ?? '')}\r\n`
  }
  head += `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(file.field)}"; filename="${quoted(file.name)}"\r\n`
  head += `Content-Type: ${file.mediaType ?? 'application/octet-stream'}\r\n\r\n`
  const tail = `\r\n--${boundary}--\r\n`
  return {
    body: Readable.from(sections(head, file.stream, tail), { objectMode: false }),
    type: `multipart/form-data; boundary=${boundary}`,
    ...(file.size === undefined ? {} : { size: Buffer.byteLength(head) + file.size + Buffer.byteLength(tail) }),
  }
}

async function* sections(head: string, stream: Readable, tail: string): AsyncGenerator<Buffer> {
  yield Buffer.from(head)
  for await (const chunk of stream) yield chunk as Buffer
  yield Buffer.from(tail)
}

/** As browsers do it: quotes and line breaks percent-encoded. */
const quoted = (text: string): string =>
  text
    .toWellFormed()
    .replace(/["\r\n]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
