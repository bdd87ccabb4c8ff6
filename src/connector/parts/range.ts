/** Byte ranges of HTTP (RFC 9110, 14): asking for the rest of a file, and what an answer holds of it. */
import type { OutboundResponse } from '../../outbound/index.ts'

/**
 * The headers that ask for the bytes from `from` on. With a strong ETag the whole file comes where it has changed meanwhile; a
 * weak one may not stand in `If-Range`. Bytes as they are stored are asked for: a range of a compressed body cannot be joined.
 */
export const rangeHeaders = (from: number, validator: string | undefined): Record<string, string> =>
  from === 0
    ? {}
    : {
        Range: `bytes=${from}-`,
        'Accept-Encoding': 'identity',
        ...(validator?.startsWith('"') ? { 'If-Range': validator } : {}),
      }

/** Where the bytes of an answer begin, and how many the whole file has; a server that knows no ranges sends all of it. */
export function rangeOf({ status, headers }: OutboundResponse<'stream'>): {
  from: number
  size?: number
  validator?: string
} {
  // A date tells of a file that was replaced, too; in `If-Range` it might not, for it counts whole seconds.
  const mark = headers.etag ?? headers['last-modified']
  const validator = mark === undefined ? {} : { validator: mark }
  if (status === 206) {
    const [, first, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headers['content-range'] ?? '') ?? []
    const size = Number(whole)
    return { from: Number(first ?? 0), ...validator, ...(Number.isSafeInteger(size) ? { size } : {}) }
  }
  const length = headers['content-length'] === undefined ? Number.NaN : Number(headers['content-length'])
  // With a content coding the length is that of the coded bytes.
  const known = Number.isSafeInteger(length) && !headers['content-encoding']
  return { from: 0, ...validator, ...(known ? { size: length } : {}) }
}
