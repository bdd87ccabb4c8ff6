/** SOAP 1.1 and 1.2 as a server reads and answers it: envelopes, faults, headers with user and password. */
import { createHash } from 'node:crypto'
import { isItem } from '../paths.ts'
import { Refusal } from '../problem.ts'
import type { Call } from '../request.ts'
import { child, dataOf, documentOf, type Element, elementOf } from './elements.ts'

export type Soap = {
  soap: '1.1' | '1.2'
  /** Prefixes of names in the description, and what they stand for; names without one belong to the empty prefix. */
  namespaces: Record<string, string>
  /** Elements whose children have an order: those of a schema's sequence. */
  sequences?: Record<string, string[]>
}

const ENVELOPE = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
}
const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss'
/** Known to every service, by the prefixes that all use. */
const SECURITY = { wsse: `${WSS}-wssecurity-secext-1.0.xsd`, wsu: `${WSS}-wssecurity-utility-1.0.xsd` }

const alien = (message: string) => new Refusal('invalid', { reason: 'envelope', message }, true)

/**
 * What a request says: `operation` and `action`, the `header`, and as `body` what stands in the operation. Throws a refusal
 * for another version, for namespaces the service does not know, and for elements in another order than their sequence.
 */
export function heardSoap({ bytes, headers }: Call, spec: Soap): Record<string, unknown> {
  const action = actionOf(headers, spec)
  const root = elementOf(bytes.toString('utf8'))
  if (root.name !== 'Envelope' || root.namespace !== ENVELOPE[spec.soap])
    throw alien(`The body is no envelope of SOAP ${spec.soap}`)
  const [operation, ...more] = child(root, 'Body')?.children ?? []
  if (!operation || more.length) throw alien('The body of an envelope holds one operation')
  const nameOf = namer(spec)
  const header = child(root, 'Header')
  checkSequences(operation, nameOf, spec.sequences ?? {})
  return {
    operation: nameOf(operation),
    action,
    header: header ? dataOf(header, nameOf) : {},
    body: objectOf(dataOf(operation, nameOf)),
  }
}

/** An operation without content is an object with nothing in it. */
const objectOf = (data: unknown): unknown => (isItem(data) ? data : {})

function actionOf(headers: Call['headers'], { soap }: Soap): string {
  const type = String(headers['content-type'] ?? '')
  const wanted = soap === '1.1' ? 'text/xml' : 'application/soap+xml'
  if (!type.startsWith(wanted)) throw alien(`SOAP ${soap} comes as ${wanted}, not as ${type}`)
  if (soap === '1.2') return /action="([^"]*)"/.exec(type)?.[1] ?? ''
  const { soapaction } = headers
  if (typeof soapaction !== 'string') throw alien('SOAP 1.1 has a header SOAPAction')
  return soapaction.replace(/^"(.*)"$/, '$1')
}

/** Names as the description writes them. */
function namer({ namespaces }: Soap): (element: Element) => string {
  const prefixes = new Map(Object.entries({ ...SECURITY, ...namespaces }).map(([prefix, uri]) => [uri, prefix]))
  if (!Object.hasOwn(namespaces, '')) prefixes.set('', '')
  return ({ name, namespace }) => {
    const prefix = prefixes.get(namespace)
    if (prefix === undefined) throw alien(`The element ${name} is in the unknown namespace "${namespace}"`)
    return prefix ? `${prefix}:${name}` : name
  }
}

function checkSequences(element: Element, nameOf: (one: Element) => string, sequences: Record<string, string[]>): void {
  const order = sequences[nameOf(element)]
  const places = order ? element.children.map((one) => order.indexOf(nameOf(one))) : []
  for (const [index, place] of places.entries()) {
    const name = nameOf(element.children[index]!)
    if (place < 0) throw alien(`${nameOf(element)} has no element ${name}`)
    if (place < Math.max(-1, ...places.slice(0, index)))
      throw alien(`In ${nameOf(element)}, ${name} comes before ${nameOf(element.children[index - 1]!)}`)
  }
  for (const inner of element.children) checkSequences(inner, nameOf, sequences)
}

type Fault = { code?: string; subcode?: string; message?: string; detail?: unknown }

/** An answer's element by its name, or `{ fault: { code, subcode, message, detail } }`, in an envelope. */
export function saidSoap(value: unknown, { soap, namespaces }: Soap): { type: string; body: string } {
  const given = isItem(value) ? value : {}
  const fault = 'fault' in given ? (given.fault as Fault) : undefined
  const declared = Object.entries(namespaces).map(([prefix, uri]) => [prefix ? `@xmlns:${prefix}` : '@xmlns', uri])
  const body = documentOf({
    'soap:Envelope': {
      '@xmlns:soap': ENVELOPE[soap],
      '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      ...Object.fromEntries(declared),
      'soap:Body': fault ? { 'soap:Fault': soap === '1.1' ? fault11(fault) : fault12(fault) } : given,
    },
  })
  return { type: soap === '1.1' ? 'text/xml; charset=utf-8' : 'application/soap+xml; charset=utf-8', body }
}

const qualified = (code: string): string => (code.includes(':') ? code : `soap:${code}`)

/** Its parts have no namespace, whatever names without a prefix have elsewhere. */
const fault11 = ({ code = 'Server', message = '', detail }: Fault) => ({
  faultcode: { '@xmlns': '', '#text': qualified(code) },
  faultstring: { '@xmlns': '', '#text': message },
  ...(isItem(detail) ? { detail: { '@xmlns': '', ...detail } } : {}),
})

const fault12 = ({ code = 'Receiver', subcode, message = '', detail }: Fault) => ({
  'soap:Code': { 'soap:Value': qualified(code), ...(subcode ? { 'soap:Subcode': { 'soap:Value': subcode } } : {}) },
  'soap:Reason': { 'soap:Text': { '@xml:lang': 'en', '#text': message } },
  ...(detail === undefined ? {} : { 'soap:Detail': detail }),
})

/** Whether a header holds a UsernameToken (WS-Security) of this user, with the password as text or as its digest. */
export function hasUsernameToken(header: unknown, user: string, password: string): boolean {
  const token = member(member(header, 'wsse:Security'), 'wsse:UsernameToken')
  const given = member(token, 'wsse:Password')
  if (member(token, 'wsse:Username') !== user || given === undefined) return false
  if (!String(member(given, '@Type')).endsWith('#PasswordDigest'))
    return (isItem(given) ? given['#text'] : given) === password
  const nonce = member(token, 'wsse:Nonce')
  const digest = createHash('sha1')
    .update(Buffer.from(String(isItem(nonce) ? nonce['#text'] : nonce), 'base64'))
    .update(String(member(token, 'wsu:Created')) + password)
    .digest('base64')
  return member(given, '#text') === digest
}

const member = (value: unknown, name: string): unknown => (isItem(value) ? value[name] : undefined)
