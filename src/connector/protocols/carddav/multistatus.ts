/** Answers of CardDAV servers (RFC 4918, 6352, 6578). */
import type { Json } from '../../../core/index.ts'
import type { ParseBody } from '../../parts/answer.ts'
import { type XmlFields, xmlFields, xmlList, xmlReader, xmlText } from '../../parts/xml.ts'

export type Found = {
  href: string
  /** Status of the resource as a whole; 200 where it is told property by property. */
  status: number
  /** The properties that were found. */
  props: XmlFields
}
export type Multistatus = { found: Found[]; syncToken: string | null }

const LISTS = new Set(['response', 'propstat', 'href', 'addressbook'])
const read = xmlReader({ isList: (name) => LISTS.has(name), trim: true })

/** The parsed document travels as the body of the answer; what is no XML at all is no fault of a refusal. */
export const parseXml: ParseBody = ({ body, malformedText }) => {
  if (!/^\s*</.test(body)) return { value: undefined }
  if (malformedText) return { fault: 'its text is not valid in its character set' }
  const document = read(body)
  return 'fault' in document ? document : { value: document.root as unknown as Json }
}

/** A multistatus, or null where the body is something else. */
export function multistatusOf(body: Json | undefined): Multistatus | null {
  const root = (body ?? {}) as unknown as XmlFields
  if (!('multistatus' in root)) return null
  const node = xmlFields(root.multistatus)
  return {
    found: xmlList(node.response).map((response) => foundIn(xmlFields(response))),
    syncToken: xmlText(node['sync-token']),
  }
}

function foundIn(response: XmlFields): Found {
  const good = xmlList(response.propstat)
    .map(xmlFields)
    .filter(({ status }) => statusIn(xmlText(status)) < 300)
  return {
    href: xmlText(xmlList(response.href)[0]) ?? '',
    status: response.status === undefined ? 200 : statusIn(xmlText(response.status)),
    props: Object.assign({}, ...good.map(({ prop }) => xmlFields(prop))),
  }
}

const statusIn = (line: string | null): number => Number(/ (\d{3})( |$)/.exec(line ?? '')?.[1] ?? 200)
