/** Bytes on their way in and out of an object store, never all of them in memory. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { type Body, type Reply, type Stored, StoreError } from './contract.ts'

/** Keeps the body of a request in a file, with its digests. */
export async function received(request: IncomingMessage, file: string): Promise<Body> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')]
  let [crc, size] = [0, 0]
  await pipeline(
    request,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        md5.update(chunk)
        sha256.update(chunk)
        crc = crc32(chunk, crc)
        size += chunk.length
        yield chunk
      }
    },
    createWriteStream(file),
  )
  return { file, size, crc, md5: md5.digest('hex'), sha256: sha256.digest('hex') }
}

/** Puts parts together into one file; gives its checksum. The parts are gone afterwards. */
export async function joined(parts: { file: string }[], file: string): Promise<number> {
  let crc = 0
  for (const part of parts) {
    const read = createReadStream(part.file)
    read.on('data', (chunk) => {
      crc = crc32(chunk as Buffer, crc)
    })
    await pipeline(read, createWriteStream(file, { flags: 'a' }))
    await rm(part.file)
  }
  return crc
}

export const base64 = (crc: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc >>> 0)
  return bytes.toString('base64')
}

export async function textOf(file: string): Promise<string> {
  let text = ''
  for await (const chunk of createReadStream(file, 'utf8')) text += chunk
  return text
}

/** An object as GET and HEAD answer it, from a byte on where that is asked for. */
export function contentOf(method: string, object: Stored, range: string | undefined): Reply {
  const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? []
  const from = Number(first ?? 0)
  if (from > 0 && from >= object.size) throw new StoreError(416, 'InvalidRange')
  return async (response, half) => {
    response.writeHead(from ? 206 : 200, {
      ...{ etag: `"${object.etag}"`, 'last-modified': object.modified.toUTCString(), 'content-type': object.type },
      ...{ 'content-length': String(object.size - from), 'x-amz-version-id': object.version },
      ...(from ? { 'content-range': `bytes ${from}-${object.size - 1}/${object.size}` } : {}),
    })
    if (method === 'HEAD') return void response.end()
    const end = half ? from + Math.floor((object.size - from) / 2) : object.size
    const read = createReadStream(object.file, { start: from, end: Math.max(0, end - 1) })
    await pipeline(read, response, { end: !half }).catch(() => {})
    if (half) response.socket?.destroy()
  }
}
