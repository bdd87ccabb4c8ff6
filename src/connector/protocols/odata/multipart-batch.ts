/**
 * `multipart/mixed` batches (OData 4.01 part 1, section 11.7.7; OData 2.0 "Batch Processing"). Each write has a change set of
 * its own: version 2 knows no write outside of one, and what stands together in one is done or refused together.
 */
import { randomUUID } from 'node:crypto'
import { type Json, parseExact } from '../../../core/index.ts'
import type { HttpRequest } from '../../parts/request.ts'
import type { PartAnswer } from './part-results.ts'

export function multipartBatch(items: HttpRequest[]): { body: string; type: string } {
  const boundary = `batch_${randomUUID()}`
  const lines = items.flatMap((item, index) => {
    const set = `changeset_${randomUUID()}`
    return [
      `--${boundary}`,
      `Content-Type: multipart/mixed; boundary=${set}`,
      '',
      `--${set}`,
      ...operation(item, index),
      `--${set}--`,
      '',
    ]
  })
  return { body: [...lines, `--${boundary}--`, ''].join('\r\n'), type: `multipart/mixed; boundary=${boundary}` }
}

function operation({ method, url, headers, body }: HttpRequest, index: number): string[] {
  const given = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  const text = typeof body === 'string' ? body : ''
  return [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    `Content-ID: ${index + 1}`,
    '',
    // Relative to the service root, which is where the batch is.
    `${method} ${url.slice(1)} HTTP/1.1`,
    ...given,
    ...(text === '' ? [] : [`Content-Length: ${Buffer.byteLength(text)}`]),
    '',
    text,
  ]
}

/** The answers of a batch in their order, those inside of change sets among them; null where it is no multipart body. */
export function parseMultipartBatch(text: string, type: string): PartAnswer[] | null {
  const match = /boundary=(?:"([^"]+)"|([^\s;,]+))/i.exec(type)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) return null
  const parts = partsOf(text, boundary)
  if (parts === null) return null
  const answers: PartAnswer[] = []
  for (const part of parts) {
    const { headers, rest } = headOf(part)
    const inner = headers['content-type'] ?? ''
    const found = /^multipart\/mixed/i.test(inner) ? parseMultipartBatch(rest, inner) : one(rest)
    if (found === null) return null
    answers.push(...found)
  }
  return answers
}

/** What stands between the boundaries. A body without its closing boundary was cut off. */
function partsOf(text: string, boundary: string): string[] | null {
  const pieces = `\r\n${text.replace(/\r?\n/g, '\r\n')}`.split(`\r\n--${boundary}`)
  const end = pieces.findIndex((piece, index) => index > 0 && piece.startsWith('--'))
  if (end < 0) return null
  return pieces.slice(1, end).map((piece) => piece.replace(/^[ \t]*\r\n/, ''))
}

function headOf(text: string): { headers: Record<string, string>; rest: string } {
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? text : text.slice(0, end)
  const headers: Record<string, string> = {}
  for (const line of head.split('\r\n')) {
    const at = line.indexOf(':')
    if (at > 0) headers[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim()
  }
  return { headers, rest: end < 0 ? '' : text.slice(end + 4) }
}

function one(text: string): PartAnswer[] | null {
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})[^\r\n]*\r\n/.exec(`${text}\r\n`)
  if (!status) return null
  const { headers, rest } = headOf(text.slice(status[0].length))
  return [{ status: Number(status[1]), headers, body: jsonOf(rest) }]
}

function jsonOf(text: string): Json | undefined {
  if (text.trim() === '') return undefined
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}
