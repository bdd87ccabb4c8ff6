/** Reads a 207 answer (RFC 4918). The properties are few and asked for by name, so prefixes need not be resolved. */
import { CausewayError } from '../../../core/index.ts'
import { xmlReader } from '../../parts/xml.ts'

/** What the server says of one resource; texts as they came. */
export type Resource = {
  href: string
  isFolder: boolean
  size: string | null
  modified: string | null
  etag: string | null
  mediaType: string | null
  fileId: string | null
  /** An address that stays with the resource wherever it is moved (RFC 5842); few servers have it. */
  resourceId: string | null
}

export const PROPFIND_BODY = `<?xml version="1.0" encoding="utf-8"?>
<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/><d:getcontenttype/><d:resource-id/><oc:fileid/></d:prop></d:propfind>`

const read = xmlReader({ isList: (name) => name === 'response' || name === 'propstat' })

type Node = { [name: string]: unknown }

/** The resources of a multistatus body. Throws CSW-3007 for anything else, document types included. */
export function parseMultistatus(xml: string, shownUrl: string): Resource[] {
  const document = read(xml)
  // A cut listing would look like deletions.
  if ('fault' in document) throw unreadable(shownUrl, document.fault)
  const root = document.root.multistatus as Node | '' | undefined
  if (root === undefined) throw unreadable(shownUrl, 'it is no multistatus')
  return asList(root === '' ? [] : root.response).map((response) => resourceOf(response, shownUrl))
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
    resourceId: hrefIn(props['resource-id']),
  }
}

const hrefIn = (value: unknown): string | null =>
  typeof value === 'object' && value !== null ? textOf((value as Node).href) : null

const asList = (value: unknown): Node[] => (Array.isArray(value) ? (value as Node[]) : [])
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

const unreadable = (url: string, why: string): CausewayError =>
  new CausewayError('CSW-3007', { what: `PROPFIND ${url}: the answer cannot be used: ${why}.` })
