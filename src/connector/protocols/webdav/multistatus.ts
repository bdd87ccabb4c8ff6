/** Reads a 207 answer (RFC 4918). The properties are few and asked for by name, so prefixes need not be resolved. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { CausewayError } from '../../../core/index.ts'

/** What the server says of one resource; texts as they came. */
export type Resource = {
  href: string
  isFolder: boolean
  size: string | null
  modified: string | null
  etag: string | null
  mediaType: string | null
  fileId: string | null
}

export const PROPFIND_BODY = `<?xml version="1.0" encoding="utf-8"?>
<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/><d:getcontenttype/><oc:fileid/></d:prop></d:propfind>`

const LISTS = new Set(['response', 'propstat'])

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  // "007.50" is a name, not a number.
  parseTagValue: false,
  trimValues: true,
  isArray: (name) => LISTS.has(name),
  // The five predefined entities only; hrefs may hold any number of &amp;.
  processEntities: { enabled: true, maxEntityCount: 0, maxTotalExpansions: Number.MAX_SAFE_INTEGER },
})

type Node = { [name: string]: unknown }

/** The resources of a multistatus body. Throws CSW-3007 for anything else, document types included. */
export function parseMultistatus(xml: string, shownUrl: string): Resource[] {
  // Entities of a document's own are how a small answer fills the memory; WebDAV has no use for them.
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw unreadable(shownUrl, 'it declares a document type')
  // The parser itself makes the best of cut or broken XML; a cut listing would look like deletions.
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw unreadable(shownUrl, `it is not well-formed XML (line ${valid.err.line})`)
  const root = (parser.parse(xml) as Node).multistatus
  if (root === undefined) throw unreadable(shownUrl, 'it is no multistatus')
  return asList((root as Node | '') === '' ? [] : (root as Node).response).map((response) =>
    resourceOf(response, shownUrl),
  )
}

function resourceOf(response: Node, shownUrl: string): Resource {
  if (typeof response.href !== 'string') throw unreadable(shownUrl, 'a response has no href')
  const found = asList(response.propstat).filter(({ status }) => / 2\d\d( |$)/.test(String(status)))
  const props: Node = Object.assign({}, ...found.map(({ prop }) => prop))
  const type = props.resourcetype
  return {
    href: response.href,
    isFolder: typeof type === 'object' && type !== null && 'collection' in type,
    size: textOf(props.getcontentlength),
    modified: textOf(props.getlastmodified),
    etag: textOf(props.getetag),
    mediaType: textOf(props.getcontenttype),
    fileId: textOf(props.fileid),
  }
}

const asList = (value: unknown): Node[] => (Array.isArray(value) ? (value as Node[]) : [])
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

const unreadable = (url: string, why: string): CausewayError =>
  new CausewayError('CSW-3007', { what: `PROPFIND ${url}: the answer cannot be used: ${why}.` })
