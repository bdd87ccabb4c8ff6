/** Bodies of WebDAV and CardDAV: what a request asks for, and multistatus answers (RFC 4918, 6352, 6578). */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { Refusal } from '../problem.ts'

const DAV = 'DAV:'
const CARD = 'urn:ietf:params:xml:ns:carddav'

/** An element with its name as `{namespace}name`. */
type Element = { name: string; attributes: Record<string, string>; children: Element[]; text: string }
type Raw = { [name: string]: unknown }

/** What a PROPFIND or REPORT asks for. Names of properties are written `{namespace}name`. */
type Asked = {
  kind: string
  props: string[]
  hrefs: string[]
  token: string | null
  filter: CardFilter | null
}

/** The filter of an addressbook-query: properties whose texts are compared. */
export type CardFilter = {
  all: boolean
  properties: { name: string; matches: { text: string; how: string; negate: boolean }[] }[]
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
})

const refused = (message: string): Refusal => new Refusal('invalid', { reason: 'body', message }, true)

/** Reads the body of a PROPFIND or REPORT. Throws a refusal for what is no XML, or asks nothing. */
export function davAsked(text: unknown): Asked {
  if (typeof text !== 'string' || XMLValidator.validate(text) !== true) throw refused('the body is no XML')
  const root = elementsOf(parser.parse(text) as Raw[], new Map())[0]
  if (!root) throw refused('the body is empty')
  const within = (name: string) => root.children.find((child) => child.name === name)
  const filter = within(`{${CARD}}filter`)
  return {
    kind: root.name,
    props: within(`{${DAV}}prop`)?.children.map(({ name }) => name) ?? [],
    hrefs: root.children.filter(({ name }) => name === `{${DAV}}href`).map((one) => one.text.trim()),
    token: within(`{${DAV}}sync-token`)?.text.trim() ?? null,
    filter: filter ? filterOf(filter) : null,
  }
}

function filterOf({ attributes, children }: Element): CardFilter {
  return {
    all: attributes.test === 'allof',
    properties: children.map((property) => {
      if (property.name !== `{${CARD}}prop-filter` || !property.attributes.name)
        throw refused('a filter is no prop-filter')
      return {
        name: property.attributes.name.toUpperCase(),
        matches: property.children.map(({ name, attributes: given, text }) => {
          if (name !== `{${CARD}}text-match`) throw refused(`a prop-filter with ${name} is not described here`)
          if (!['i;unicode-casemap', 'i;ascii-casemap', undefined].includes(given.collation))
            throw refused(`the collation ${given.collation} is not known`)
          return { text, how: given['match-type'] ?? 'contains', negate: given['negate-condition'] === 'yes' }
        }),
      }
    }),
  }
}

/** One resource of an answer: the properties it has of those asked for, and the others as missing. Texts, or `{ xml }`. */
export function davResponse(href: string, has: Record<string, unknown>, asked: string[]): string {
  const known = asked.filter((name) => has[name] !== undefined && has[name] !== null)
  const missing = asked.filter((name) => !known.includes(name))
  return `<D:response><D:href>${escaped(href)}</D:href>${propstat(known, has, '200 OK')}${propstat(missing, {}, '404 Not Found')}</D:response>`
}

function propstat(names: string[], has: Record<string, unknown>, status: string): string {
  if (names.length === 0) return ''
  const props = names.map((name) => {
    const [, namespace = '', local = ''] = /^\{(.*)\}(.*)$/.exec(name) ?? []
    const value = has[name]
    const inner =
      value === undefined ? '' : typeof value === 'object' ? String((value as Raw).xml ?? '') : escaped(value)
    const prefix = { [DAV]: 'D', [CARD]: 'C' }[namespace]
    return prefix
      ? `<${prefix}:${local}>${inner}</${prefix}:${local}>`
      : `<x:${local} xmlns:x="${namespace}">${inner}</x:${local}>`
  })
  return `<D:propstat><D:prop>${props.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`
}

/** A resource of which there is only a status to tell. */
export const davStatus = (href: string, status: string): string =>
  `<D:response><D:href>${escaped(href)}</D:href><D:status>HTTP/1.1 ${status}</D:status></D:response>`

/** The whole answer; `token` is that of a sync-collection. */
export const davMultistatus = (responses: string[], token?: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:C="${CARD}">${responses.join('')}${
    token === undefined ? '' : `<D:sync-token>${escaped(token)}</D:sync-token>`
  }</D:multistatus>`

const SIGNS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }
const escaped = (value: unknown): string => String(value).replace(/[&<>\r]/g, (sign) => SIGNS[sign]!)

function elementsOf(raw: Raw[], scope: ReadonlyMap<string, string>): Element[] {
  return raw.flatMap((node) => {
    const tag = Object.keys(node).find((key) => key !== ':@' && key !== '#text' && !key.startsWith('?'))
    if (tag === undefined) return []
    const attributes = (node[':@'] ?? {}) as Record<string, string>
    const own = new Map(scope)
    for (const [name, value] of Object.entries(attributes)) {
      const [, prefix] = /^xmlns(?::(.+))?$/.exec(name) ?? [null, null]
      if (prefix !== null) own.set(prefix ?? '', value)
    }
    const inner = node[tag] as Raw[]
    const [prefix, local] = tag.includes(':') ? tag.split(':') : ['', tag]
    const text = inner.map((child) => String(child['#text'] ?? '')).join('')
    return [{ name: `{${own.get(prefix!) ?? ''}}${local}`, attributes, children: elementsOf(inner, own), text }]
  })
}
