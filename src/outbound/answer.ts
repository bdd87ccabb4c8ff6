/** Reads the body of an answer: bounded, inflated, decoded. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { finished, type Readable, Transform } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { CausewayError } from '../core/index.ts'

/** The answer's bytes as they came over the wire, at most `cap`. Rejects when the answer is cut or the cap is passed. */
export function collect(response: IncomingMessage, method: string, cap: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  const declared = Number(response.headers['content-length'])
  const tooLong = () => {
    reject(tooLarge(cap))
    response.destroy()
  }
  response
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > cap) tooLong()
      else chunks.push(chunk)
    })
    .on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)))
    .on('error', reject)
    // Only reached unsettled when the peer closed in the middle: node then emits no 'end'.
    .on('close', () => reject(Object.assign(new Error('answer cut'), { code: 'ECONNRESET' })))
  // No need to read what is announced as too much; HEAD and 304 announce what they do not send.
  if (declared > cap && method !== 'HEAD' && response.statusCode !== 304) tooLong()
  return promise
}

const tooLarge = (cap: number): CausewayError =>
  new CausewayError('CSW-3011', { what: `The answer is larger than ${cap} bytes.`, data: { cap } })

type Codec = {
  whole(bytes: Buffer, options: { maxOutputLength: number }): Promise<Buffer>
  stream(): Transform
}

const gunzip: Codec = { whole: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip), stream: zlib.createGunzip }
const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate)
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)

const CODECS: Record<string, Codec> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: {
    // Some servers send raw deflate under this name; a zlib header has compression method 8 in its first byte.
    whole: (bytes, options) => ((bytes[0]! & 0x0f) === 8 ? inflate(bytes, options) : inflateRaw(bytes, options)),
    stream: zlib.createInflate,
  },
  br: {
    whole: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
    stream: zlib.createBrotliDecompress,
  },
}

export const ACCEPT_ENCODING = 'gzip, deflate, br'

/**
 * Undoes `Content-Encoding`, to at most `cap` bytes. Not left to axios: it accepts a truncated gzip body as complete, and
 * a cut answer must never pass for a whole one.
 */
export async function inflated(bytes: Buffer, encoding: string | undefined, cap: number): Promise<Buffer> {
  const codec = codecOf(encoding)
  if (!codec || bytes.length === 0) return bytes
  try {
    return await codec.whole(bytes, { maxOutputLength: cap })
  } catch (error) {
    throw inflateError(error, encoding!, cap)
  }
}

function codecOf(encoding: string | undefined): Codec | null {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return null
  const codec = Object.hasOwn(CODECS, name) ? CODECS[name] : undefined
  if (codec) return codec
  throw new CausewayError('CSW-3007', {
    what: `The answer has a Content-Encoding that was not asked for: ${name.slice(0, 40)}.`,
  })
}

function inflateError(error: unknown, encoding: string, cap: number): Error {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(cap)
  // "unexpected end of file": the body stopped early, which is a broken connection rather than a broken encoder.
  if (code === 'Z_BUF_ERROR') return Object.assign(new Error('answer cut'), { code: 'ECONNRESET' })
  return new CausewayError('CSW-3007', { what: `The answer is not valid ${encoding} (${code ?? 'corrupt'}).` })
}

/**
 * The answer as a stream of inflated bytes, ended with an error when it is cut, malformed or larger than `cap`. `failure`
 * turns what went wrong into the error the reader gets; `ended` is called once, whatever the end.
 */
export function metered(
  response: IncomingMessage,
  cap: number,
  failure: (error: unknown) => Error,
  ended: () => void,
): Readable {
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > cap) done(failure(tooLarge(cap)))
      else done(null, chunk)
    },
  })
  const codec = codecOf(response.headers['content-encoding'])
  const inflater = codec?.stream()
  finished(response, (error) => error && meter.destroy(failure(error)))
  if (inflater) {
    const encoding = response.headers['content-encoding']!
    finished(inflater, (error) => error && meter.destroy(failure(inflateError(error, encoding, cap))))
    response.pipe(inflater).pipe(meter)
  } else response.pipe(meter)
  meter.once('close', () => {
    // A reader that stops early must not leave the rest of the answer, or the socket, waiting.
    inflater?.destroy()
    response.destroy()
    ended()
  })
  return meter
}

/** Text in the character set the answer names, UTF-8 by default; a byte order mark is dropped. */
export function decoded(bytes: Buffer, contentType: string | undefined): { text: string; malformed: boolean } {
  const charset = /;\s*charset="?([\w.:-]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') return utf8(bytes)
  try {
    const text = new TextDecoder(charset).decode(bytes)
    return { text, malformed: text.includes('\uFFFD') }
  } catch {
    // An unknown name; UTF-8 is the best guess there is, and the flag tells when it was wrong.
    return utf8(bytes)
  }
}

function utf8(bytes: Buffer): { text: string; malformed: boolean } {
  const marked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return { text: bytes.toString('utf8', marked ? 3 : 0), malformed: !isUtf8(bytes) }
}
