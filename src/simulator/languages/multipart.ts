/** `multipart/mixed` bodies that carry whole requests and answers, as `$batch` of OData takes and gives them. */
import { Refusal } from '../problem.ts'

/** One request in such a body. `set` is the change set it stands in, counted from 1; 0 outside of one. */
type Carried = {
  method: string
  path: string
  headers: Record<string, string>
  body?: unknown
  id?: string
  set: number
}
type Answered = { status: number; headers?: Record<string, string>; body?: unknown; id?: string; set?: number }

/** The requests of a body, in their order. Throws a refusal where it is no such body. */
export function multipartCalls(text: string, type: string): Carried[] {
  let sets = 0
  return partsOf(text, type).flatMap((part) => {
    const { headers, rest } = headOf(part)
    const inner = headers['content-type'] ?? ''
    if (!inner.startsWith('multipart/mixed')) return [carried(headers, rest, 0)]
    const set = ++sets
    return partsOf(rest, inner).map((one) => {
      const head = headOf(one)
      return carried(head.headers, head.rest, set)
    })
  })
}

/** Answers as such a body, under the boundary `batchresponse`; what was done in a change set comes inside of one. */
export function multipartAnswers(answers: Answered[]): string {
  const parts = answers.map((answer, index) => {
    const lines = http(answer)
    // A change set that is refused is answered by the refusal alone.
    if (!answer.set || answer.status >= 400) return lines
    const boundary = `changesetresponse_${index}`
    return [`Content-Type: multipart/mixed; boundary=${boundary}`, '', `--${boundary}`, ...lines, `--${boundary}--`]
  })
  return [...parts.flatMap((lines) => ['--batchresponse', ...lines]), '--batchresponse--', ''].join('\r\n')
}

function http({ status, headers = {}, body, id }: Answered): string[] {
  return [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    ...(id === undefined ? [] : [`Content-ID: ${id}`]),
    '',
    `HTTP/1.1 ${status} ${status < 400 ? 'OK' : 'Refused'}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body === undefined || body === null ? '' : JSON.stringify(body),
  ]
}

function carried(outer: Record<string, string>, text: string, set: number): Carried {
  const [line = ''] = text.split('\r\n', 1)
  const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(line) ?? []
  if (!method || !path) throw bad(`"${line}" begins no request`)
  const { headers, rest } = headOf(text.slice(line.length + 2))
  const body = rest.trim() === '' ? undefined : (JSON.parse(rest) as unknown)
  return { method, path, headers, ...(body === undefined ? {} : { body }), id: outer['content-id'] ?? '', set }
}

function partsOf(text: string, type: string): string[] {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1]
  if (boundary === undefined) throw bad('the type names no boundary')
  const pieces = `\r\n${text}`.split(`\r\n--${boundary}`)
  if (!pieces.at(-1)?.startsWith('--')) throw bad('the closing boundary is missing')
  return pieces.slice(1, -1).map((piece) => piece.replace(/^\r\n/, ''))
}

function headOf(text: string): { headers: Record<string, string>; rest: string } {
  const empty = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n')
  const head = empty < 0 ? text : text.slice(0, empty)
  const headers = head.split('\r\n').flatMap((line) => {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    return name ? [[name.toLowerCase(), value!] as const] : []
  })
  return { headers: Object.fromEntries(headers), rest: empty < 0 ? '' : text.slice(empty + (empty === 0 ? 2 : 4)) }
}

const bad = (message: string): Refusal => new Refusal('invalid', { reason: 'body', message }, true)
