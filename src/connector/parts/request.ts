/** One HTTP request as a manifest writes it. */
import { CausewayError, isObject, isRawNumber, type Json, spellWithTexts } from '../../core/index.ts'
import type { QueryValue, RequestBody } from '../../outbound/index.ts'
import {
  asText,
  type CompiledPart,
  choice,
  data,
  type Fields,
  flag,
  type Scope,
  type Template,
  template,
} from '../language/index.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY', 'SEARCH', 'REPORT'] as const
export type Method = (typeof METHODS)[number]

/** The fields of a request whose expressions may use these names. */
export type RequestFields<R extends Fields> = (names: readonly string[], method?: Method) => R

/** What every protocol over HTTP lets a request say of its price. */
export const costField = (names: readonly string[]) =>
  template({
    sense: 'What the request costs, for buckets of `limits` that count in points: `cost` there.',
    names,
    example: 10,
  })

export const requestFields = (names: readonly string[], method: Method = 'GET') => ({
  method: choice(METHODS, { sense: 'The HTTP method.', default: method }),
  path: template({
    sense: 'Appended to `base_url`. Inserted values are percent-encoded.',
    names,
    encode: 'path',
    example: '/contacts',
  }),
  url: template({
    sense:
      'Instead of `path`: an address as it stands, absolute or relative. It must stay on the origin of `base_url`.',
    names,
  }),
  query: data({
    sense: 'Query parameters. A list repeats the parameter; a parameter without value is left out.',
    names,
  }),
  headers: data({
    sense: 'Headers of this request, beside those of the connector. One without value is left out.',
    names,
  }),
  body: data({ sense: 'The body: any YAML value, whose texts may hold inserts.', names }),
  body_as: choice(['json', 'form', 'text'], {
    sense: 'How the body is written. `form` nests with brackets: `customer[name]=…`.',
    default: 'json',
  }),
  cost: costField(names),
})
/** For requests that may lead to an address the system made. */
export const signedField = {
  signed: flag({
    sense:
      'The address was signed by the system itself: it may be on another origin, and gets neither credentials nor headers of the connector.',
    default: false,
  }),
}
export type RequestSpec = CompiledPart<ReturnType<typeof requestFields>>

/** A request ready for the client, still without credentials. */
export type HttpRequest = {
  method: string
  url: string
  query?: Record<string, QueryValue>
  headers: Record<string, string | undefined>
  body?: RequestBody
  /** In the points of the manifest's limits; 1 without it. */
  cost?: number
  /** Asks for credentials: what comes back is not shown. */
  login?: true
}

/** The cost a request gives itself, as a member to spread. */
export function costOf(spec: { cost?: Template | undefined }, scope: Scope): { cost?: number } {
  const cost = spec.cost ? Number(spec.cost.evaluate(scope) ?? Number.NaN) : Number.NaN
  return cost >= 0 ? { cost } : {}
}

/** Where a request may go besides the origin of the base URL: anywhere (an address the system signed), or to these origins. */
export type Elsewhere = 'any' | readonly string[]

/** Fills the templates of a request. `base` is the connection's base URL. */
export function buildRequest(spec: RequestSpec, scope: Scope, base: string, elsewhere: Elsewhere = []): HttpRequest {
  const body = spec.body?.evaluate(scope)
  const query = spec.query?.evaluate(scope)
  const request: HttpRequest = {
    method: spec.method,
    url: addressOf(spec, scope, base, elsewhere),
    headers: headersOf(spec.headers?.evaluate(scope)),
    ...(isObject(query) ? { query: queryOf(query) } : {}),
    ...costOf(spec, scope),
  }
  return body === undefined ? request : withBody(request, body as Json, spec.body_as)
}

function addressOf(spec: RequestSpec, scope: Scope, base: string, elsewhere: Elsewhere): string {
  const given = spec.path ?? spec.url
  if (!given) return base
  const value = given.evaluate(scope)
  if (value === undefined || value === null)
    throw new CausewayError('CSW-2007', {
      what: `The address ${given.source} has no value: something inserted in it is missing.`,
      place: given.place,
    })
  const text = asText(value)
  if (spec.path) return join(base, text)
  const url = URL.parse(text)
  if (url && (elsewhere === 'any' || elsewhere.includes(url.origin))) return elsewhere === 'any' ? text : url.href
  return onSameOrigin(text, base)
}

const join = (base: string, path: string): string =>
  path === '' ? base : `${base}${/^[/?]/.test(path) ? '' : '/'}${path}`

/** Resolves an address that came from the other system against `from`; another origin must not see our credentials. */
export function onSameOrigin(address: string, from: string): string {
  const url = URL.parse(address, from)
  if (url && url.origin === new URL(from).origin) return url.href
  throw new CausewayError('CSW-2008', {
    what: `The system points to ${url ? url.origin : 'something that is no address'}, but the connection is to ${new URL(from).origin}.`,
  })
}

/** Adds a body and, where none is set, its content type. */
export function withBody(request: HttpRequest, value: Json, as: 'json' | 'form' | 'text'): HttpRequest {
  const [type, body] =
    as === 'json'
      ? ['application/json', spellWithTexts(value)]
      : as === 'form'
        ? ['application/x-www-form-urlencoded', formOf(value)]
        : ['text/plain; charset=utf-8', asText(value)]
  const typed = Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-type')
  return { ...request, body, headers: typed ? request.headers : { ...request.headers, 'Content-Type': type } }
}

/** Replaces the body by a text of the given type. */
export function withText(request: HttpRequest, { text, type }: { text: string; type: string }): HttpRequest {
  const typed = Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-type')
  return { ...request, body: text, headers: typed ? request.headers : { ...request.headers, 'Content-Type': type } }
}

/** Adds one member to a body that is an object or a form; a body that is neither cannot carry it. */
export function withBodyMember(request: HttpRequest, name: string, value: string | undefined): HttpRequest {
  const { method, headers } = request
  const type = Object.entries(headers).find(([header]) => header.toLowerCase() === 'content-type')?.[1] ?? ''
  const isJson = type.startsWith('application/json')
  const body = Buffer.isBuffer(request.body) && isJson ? request.body.toString() : request.body
  if (value === undefined || ((body === undefined || body === null) && /^(GET|HEAD|OPTIONS)$/.test(method)))
    return request
  if (body === undefined || body === null || body === '') return withBody(request, { [name]: value }, 'json')
  if (typeof body === 'string' && type.startsWith('application/x-www-form-urlencoded'))
    return { ...request, body: `${formText(name)}=${formText(value)}&${body}` }
  if (typeof body === 'string' && body.startsWith('{')) {
    const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
    return { ...request, body: `{${member}${body === '{}' ? '' : ','}${body.slice(1)}` }
  }
  throw new CausewayError('CSW-2007', {
    what: `The key "${name}" cannot be put into the body of ${method}: it is neither a JSON object nor a form.`,
    fix: 'Use a body that is a mapping, or another kind of `auth`.',
  })
}

function headersOf(value: unknown): Record<string, string | undefined> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) =>
      item === null || item === undefined ? [] : [[name, asText(item)]],
    ),
  )
}

function queryOf(value: Record<string, Json>): Record<string, QueryValue> {
  const scalar = (item: Json) => (typeof item === 'number' || typeof item === 'boolean' ? item : asText(item))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      Array.isArray(item) ? item.filter((one) => one !== null).map(scalar) : item === null ? null : scalar(item),
    ]),
  )
}

/** Percent-encoding of signatures, stricter than encodeURIComponent: only letters, digits and `-._~` stay. */
export const strictlyCoded = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The query parameters of a request, a list once per value. */
export const queryPairs = ({ query = {} }: HttpRequest): [string, string][] =>
  Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((item): [string, string][] =>
      item === null || item === undefined ? [] : [[name, String(item)]],
    ),
  )

/** `application/x-www-form-urlencoded` with brackets for what is nested. */
function formOf(value: Json): string {
  const pairs: string[] = []
  const add = (name: string, item: Json): void => {
    if (Array.isArray(item)) for (const [i, one] of item.entries()) add(`${name}[${i}]`, one)
    else if (isObject(item) && !isRawNumber(item))
      for (const [key, one] of Object.entries(item)) add(name ? `${name}[${key}]` : key, one)
    else pairs.push(`${formText(name)}=${item === null ? '' : formText(asText(item))}`)
  }
  add('', value)
  return pairs.join('&')
}

const formText = (text: string): string => encodeURIComponent(text.toWellFormed()).replace(/%20/g, '+')
