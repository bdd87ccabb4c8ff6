/** XML-RPC as a server reads and answers it (xmlrpc.com/spec, with `i8` and `nil`). */
import { isItem } from '../paths.ts'
import { Refusal } from '../problem.ts'
import type { Call } from '../request.ts'
import { child, documentOf, type Element, elementOf } from './elements.ts'

export type XmlRpc = {
  xmlrpc: true
  /** Members of structs that are times, binary, or numbers with a fraction, in requests and answers alike. */
  times?: string[]
  base64?: string[]
  doubles?: string[]
}

const alien = (message: string) => new Refusal('invalid', { reason: 'call', message }, true)

/** What a request says: `operation` is the method, `params` its parameters, and `body` the first of them where that is a struct. */
export function heardXmlRpc({ bytes, headers }: Call, spec: XmlRpc): Record<string, unknown> {
  const type = String(headers['content-type'] ?? '')
  if (!type.startsWith('text/xml')) throw alien(`XML-RPC comes as text/xml, not as ${type}`)
  const root = elementOf(bytes.toString('utf8'))
  const operation = child(root, 'methodName')?.text
  if (root.name !== 'methodCall' || !operation) throw alien('The body is no method call')
  const params = (child(root, 'params')?.children ?? []).map((param) => readValue(child(param, 'value'), spec))
  return { operation, params, body: isItem(params[0]) ? params[0] : {} }
}

const READERS: Record<string, (text: string) => unknown> = {
  string: (text) => text,
  int: whole,
  i4: whole,
  i8: whole,
  double: (text) => numbered(text, /^[+-]?\d+(\.\d+)?$/),
  boolean: (text) => ({ 0: false, 1: true })[text],
  base64: (text) => (/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text) ? text.replace(/\s/g, '') : undefined),
  'dateTime.iso8601': (text) => {
    const [, year, month, day, time] = /^(\d{4})(\d\d)(\d\d)T(\d\d:\d\d:\d\d)$/.exec(text) ?? []
    return time && `${year}-${month}-${day}T${time}Z`
  },
}

function whole(text: string): number | undefined {
  return numbered(text, /^[+-]?\d+$/)
}

const numbered = (text: string, form: RegExp): number | undefined => (form.test(text) ? Number(text) : undefined)

function readValue(value: Element | undefined, spec: XmlRpc): unknown {
  if (!value) throw alien('A value is missing')
  const [typed] = value.children
  if (!typed) return value.text
  if (typed.name === 'nil') return null
  if (typed.name === 'array') return (child(typed, 'data')?.children ?? []).map((item) => readValue(item, spec))
  if (typed.name === 'struct') return structOf(typed, spec)
  const read = READERS[typed.name]?.(typed.text)
  if (read === undefined) throw alien(`"${typed.text}" is no value of the type ${typed.name}`)
  return read
}

/** A member that is a time or binary has to say so: as a text it would be another value. */
function structOf(struct: Element, { times = [], base64 = [], ...rest }: XmlRpc): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  for (const member of struct.children) {
    const name = child(member, 'name')?.text ?? ''
    const value = child(member, 'value')
    const given = value?.children[0]?.name ?? 'string'
    const wanted = times.includes(name) ? 'dateTime.iso8601' : base64.includes(name) ? 'base64' : given
    if (given !== wanted && given !== 'nil') throw alien(`${name} is sent as ${given}, not as ${wanted}`)
    made[name] = readValue(value, { times, base64, ...rest })
  }
  return made
}

/** A result, or `{ fault: { faultCode, faultString } }`. */
export function saidXmlRpc(value: unknown, spec: XmlRpc): { type: string; body: string } {
  const fault = isItem(value) && 'fault' in value ? value.fault : undefined
  const response = fault
    ? { fault: { value: typed(fault, '', spec) } }
    : { params: { param: { value: typed(value, '', spec) } } }
  return { type: 'text/xml; charset=utf-8', body: documentOf({ methodResponse: response }) }
}

function typed(value: unknown, name: string, spec: XmlRpc): Record<string, unknown> {
  if (value === null || value === undefined) return { nil: '' }
  if (typeof value === 'boolean') return { boolean: value ? 1 : 0 }
  if (typeof value === 'number') return { [numberType(value, name, spec)]: value }
  if (Array.isArray(value)) return { array: { data: { value: value.map((item) => typed(item, name, spec)) } } }
  if (isItem(value)) {
    const members = Object.entries(value).map(([key, item]) => ({ name: key, value: typed(item, key, spec) }))
    return { struct: { member: members } }
  }
  if (spec.times?.includes(name))
    return { 'dateTime.iso8601': new Date(String(value)).toISOString().slice(0, 19).replaceAll('-', '') }
  return { [spec.base64?.includes(name) ? 'base64' : 'string']: value }
}

function numberType(value: number, name: string, { doubles = [] }: XmlRpc): string {
  if (!Number.isInteger(value) || doubles.includes(name)) return 'double'
  return Math.abs(value) < 2 ** 31 ? 'int' : 'i8'
}
