/** Envelopes of SOAP 1.1 and 1.2 (W3C), from JSON and back. */
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import { escapeXml, type XmlNode, xmlFields, xmlList, xmlText } from '../../parts/xml.ts'

export const VERSIONS = ['1.1', '1.2'] as const
export type SoapVersion = (typeof VERSIONS)[number]

const NAMESPACE: Record<SoapVersion, string> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
}
const NAME = /^[A-Za-z_][\w.-]*(:[A-Za-z_][\w.-]*)?$/

export type Envelope = {
  version: SoapVersion
  /** Prefixes of the manifest. */
  namespaces: Readonly<Record<string, string>>
  operation: string
  content: Json
  /** XML of the header, complete. */
  header: string
  /** Elements without a prefix of their own take that of the operation. */
  qualified: boolean
}

export function envelopeOf({ version, namespaces, operation, content, header, qualified }: Envelope): string {
  const declared = Object.entries(namespaces).map(([prefix, uri]) => ` xmlns:${named(prefix)}="${escapeXml(uri)}"`)
  const prefix = operation.includes(':') ? operation.slice(0, operation.indexOf(':')) : ''
  const body = elementOf(operation, content, qualified ? prefix : '')
  return (
    `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="${NAMESPACE[version]}"` +
    ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"${declared.join('')}>` +
    `${header ? `<soap:Header>${header}</soap:Header>` : ''}<soap:Body>${body}</soap:Body></soap:Envelope>`
  )
}

/** An element and all in it. A list gives one element per item. */
export function elementOf(name: string, value: Json, prefix: string): string {
  if (Array.isArray(value)) return value.map((item) => elementOf(name, item, prefix)).join('')
  const tag = named(prefix && !name.includes(':') ? `${prefix}:${name}` : name)
  if (value === null) return `<${tag} xsi:nil="true"/>`
  if (!isObject(value) || isRawNumber(value)) return `<${tag}>${textOf(value)}</${tag}>`
  const entries = Object.entries(value as JsonObject)
  const attributes = entries.flatMap(([key, item]) =>
    key.startsWith('@') && item !== null ? [` ${named(key.slice(1))}="${textOf(item)}"`] : [],
  )
  const inside = entries.map(([key, item]) => {
    if (key.startsWith('@')) return ''
    if (key === '#text') return textOf(item)
    if (key === '$xml') return String(item)
    return elementOf(key, item, prefix)
  })
  return `<${tag}${attributes.join('')}>${inside.join('')}</${tag}>`
}

function textOf(value: Json): string {
  if (isRawNumber(value)) return value.rawJSON
  if (value === null) return ''
  if (typeof value === 'object')
    throw new CausewayError('CSW-2007', { what: 'A text or an attribute of a SOAP call is a list or an object.' })
  return escapeXml(String(value))
}

function named(name: string): string {
  if (NAME.test(name)) return name
  throw new CausewayError('CSW-2007', {
    what: `${JSON.stringify(name)} is no name of an XML element.`,
    fix: 'Correct the mapping or the manifest: names are letters, digits, - and _, with one prefix at most.',
  })
}

/** What a fault says, the same for both versions. */
export type Fault = { code: string; message: string; detail: Json }

/** The content of the answered element, or the fault. */
export function openEnvelope(
  root: { [name: string]: XmlNode },
  attributes: boolean,
): { result: Json } | { fault: Fault } | null {
  const { Body } = xmlFields(root.Envelope)
  if (Body === undefined) return null
  const { Fault, ...rest } = xmlFields(Body)
  if (Fault !== undefined) return { fault: faultOf(xmlFields(Fault)) }
  const [answer] = Object.entries(rest).filter(([name]) => !name.startsWith('@') && name !== '#text')
  return { result: answer === undefined ? {} : jsonOf(answer[1], attributes) }
}

function faultOf(fault: { [name: string]: XmlNode }): Fault {
  const code = xmlFields(fault.Code)
  const sub = xmlText(xmlFields(code.Subcode).Value)
  const [reason] = xmlList(xmlFields(fault.Reason).Text)
  return {
    // Prefixes of codes are the service's own.
    code: [xmlText(fault.faultcode) ?? xmlText(code.Value) ?? '', sub ?? '']
      .flatMap((text) => text.trim().replace(/^.*:/, '') || [])
      .join('.'),
    message: (xmlText(fault.faultstring) ?? xmlText(reason) ?? '').trim(),
    detail: jsonOf(fault.detail ?? fault.Detail ?? '', false),
  }
}

/** Elements as texts, objects and lists; `xsi:nil` as null. */
function jsonOf(node: XmlNode, attributes: boolean): Json {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return node.map((item) => jsonOf(item, attributes))
  if (/^(true|1)$/.test(xmlText(node['@nil']) ?? '')) return null
  const made: JsonObject = {}
  for (const [name, value] of Object.entries(node)) {
    if (name.startsWith('@') && (!attributes || name === '@nil')) continue
    setOwn(made, name, jsonOf(value, attributes))
  }
  const keys = Object.keys(made)
  if (keys.length === 0) return ''
  return keys.length === 1 && keys[0] === '#text' ? made['#text']! : made
}
