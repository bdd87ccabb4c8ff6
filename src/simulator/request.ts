/** A request as expressions see it. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type Item, isItem } from './paths.ts'
import type { Refusal } from './problem.ts'

export type Call = {
  method: string
  url: URL
  path: string
  query: Record<string, string | string[]>
  headers: IncomingHttpHeaders
  /** The parsed body: JSON, or the nested fields of a form; text for everything else. */
  body: unknown
  bytes: Buffer
  /** Values of a form, or of XML, are text, whatever they mean. */
  form: boolean
  /** What the envelope around the body says: names for expressions, or why it cannot be read. */
  said?: Record<string, unknown>
  unread?: Refusal
  /** Bytes of the files in a multipart form, by the name of their part. */
  files: Map<string, Buffer>
}

export async function readCall(request: IncomingMessage, origin: string): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const url = new URL(request.url ?? '/', origin)
  const type = String(request.headers['content-type'] ?? '')
  const files = new Map<string, Buffer>()
  const body = type.includes('multipart/form-data') ? await parts(bytes, type, files) : parsed(bytes, type)
  return {
    method: request.method ?? 'GET',
    url,
    path: url.pathname,
    query: many(url.searchParams),
    headers: request.headers,
    body,
    files,
    bytes,
    form: type.includes('x-www-form-urlencoded'),
  }
}

/** The fields of a multipart form; a part of JSON is read, a file is told of by name, type and size. */
async function parts(bytes: Buffer, type: string, files: Map<string, Buffer>): Promise<unknown> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
  const fields: Item = {}
  for (const [name, part] of form) {
    if (typeof part === 'string') fields[name] = jsonOr(part)
    else {
      const content = Buffer.from(await part.arrayBuffer())
      const isJson = part.type.includes('json')
      if (!isJson) files.set(name, content)
      fields[name] = isJson ? jsonOr(content.toString()) : { name: part.name, type: part.type, size: content.length }
    }
  }
  return fields
}

function jsonOr(text: string): unknown {
  try {
    return /^\s*[{[]/.test(text) ? (JSON.parse(text) as unknown) : text
  } catch {
    return text
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
