/** Several requests in the body of one, as `$batch` of OData and Graph take them: each is served as if it came alone. */
import type { IncomingHttpHeaders } from 'node:http'
import { type Item, isItem } from './paths.ts'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'

/** A request in the body of another: `method`, `path` (or `url`, relative to the request around it), `headers`, `body`; the rest is its own. */
export function callsOf(given: unknown): Item[] {
  const list = Array.isArray(given) ? given : given === undefined ? [] : [given]
  if (list.every(isItem)) return list
  throw new Refusal('invalid', { reason: 'body', message: 'The body holds no requests' }, true)
}

/** The same as a request of its own; it has the credentials of the one around it. */
export function callOf({ method, path, url, headers, body }: Item, around: Call): Call {
  const address = new URL(String(path ?? url).replace(/^\//, './'), around.url)
  const query: Call['query'] = {}
  for (const name of new Set(address.searchParams.keys())) {
    const values = address.searchParams.getAll(name)
    query[name] = values.length > 1 ? values : values[0]!
  }
  return {
    ...around,
    method: String(method ?? 'GET'),
    url: address,
    path: address.pathname,
    query,
    headers: { ...around.headers, ...lowered(headers) },
    body,
    bytes: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    form: false,
    files: new Map(),
  }
}

const lowered = (headers: unknown): IncomingHttpHeaders =>
  isItem(headers)
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
    : {}
