/** A request as expressions see it. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type Item, isItem } from './paths.ts'

export type Call = {
  method: string
  url: URL
  path: string
  query: Record<string, string | string[]>
  headers: IncomingHttpHeaders
  /** The parsed body: JSON, or the nested fields of a form; text for everything else. */
  body: unknown
  bytes: Buffer
  /** Values of a form are text, whatever they mean. */
  form: boolean
}

export async function readCall(request: IncomingMessage, origin: string): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const url = new URL(request.url ?? '/', origin)
  const type = String(request.headers['content-type'] ?? '')
  return {
    method: request.method ?? 'GET',
    url,
    path: url.pathname,
    query: many(url.searchParams),
    headers: request.headers,
    body: parsed(bytes, type),
    bytes,
    form: type.includes('x-www-form-urlencoded'),
  }
}

function parsed(bytes: Buffer, type: string): unknown {
  if (bytes.length === 0) return undefined
  const text = bytes.toString('utf8')
  if (type.includes('x-www-form-urlencoded')) return nested(new URLSearchParams(text))
  if (type.includes('json') || type === '') {
    try {
      return JSON.parse(text) as unknown
    } catch {
      return text
    }
  }
  return text
}

function many(params: URLSearchParams): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {}
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    found[name] = values.length > 1 ? values : values[0]!
  }
  return found
}

/** Form fields with brackets as the objects and lists they stand for: `a[b]=1`, `a[]=1`, `a[0][b]=1`. */
function nested(params: URLSearchParams): Item {
  const result: Item = {}
  for (const [name, value] of params) {
    const steps = name.replaceAll(']', '').split('[')
    let target: Item = result
    steps.forEach((step, index) => {
      const key = step === '' ? String(Object.keys(target).length) : step
      if (index === steps.length - 1) target[key] = key in target ? [target[key], value].flat() : value
      else {
        if (!isItem(target[key])) target[key] = {}
        target = target[key] as Item
      }
    })
  }
  return listed(result) as Item
}

/** Objects whose keys count up from 0 are lists. */
function listed(value: unknown): unknown {
  if (!isItem(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, listed(item)] as const)
  return entries.length > 0 && entries.every(([key], index) => key === String(index))
    ? entries.map(([, item]) => item)
    : Object.fromEntries(entries)
}
