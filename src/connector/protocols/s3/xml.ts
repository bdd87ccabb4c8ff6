/** Reads the XML of an object store. Names are few and fixed, so prefixes need not be resolved. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { CausewayError } from '../../../core/index.ts'

export type Node = { [name: string]: unknown }

const LISTS = new Set(['Contents', 'Version', 'DeleteMarker', 'Part', 'Deleted', 'Error'])

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  // "007.50" is a key, not a number, and so is one that ends with a space.
  parseTagValue: false,
  trimValues: false,
  isArray: (name, path) => LISTS.has(name) && String(path).includes('.'),
  processEntities: { enabled: true, maxEntityCount: 0, maxTotalExpansions: Number.MAX_SAFE_INTEGER },
})

/** The root element of a document with its name. Throws CSW-3007 for what is no well-formed XML, document types included. */
export function parseXml(xml: string, shownUrl: string): { name: string; root: Node } {
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw unreadable(shownUrl, 'it declares a document type')
  // A cut listing would look like deletions.
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw unreadable(shownUrl, `it is not well-formed XML (line ${valid.err.line})`)
  const entry = Object.entries(parser.parse(xml) as Node).find(([name]) => !name.startsWith('?'))
  if (!entry) throw unreadable(shownUrl, 'it is empty')
  return { name: entry[0], root: typeof entry[1] === 'object' && entry[1] !== null ? (entry[1] as Node) : {} }
}

export const nodesOf = (value: unknown): Node[] => (Array.isArray(value) ? (value as Node[]) : [])
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const escaped = (text: string): string => text.replace(/[<>&"'\r\n]/g, (char) => `&#${char.charCodeAt(0)};`)

const unreadable = (shownUrl: string, why: string): CausewayError =>
  new CausewayError('CSW-3007', { what: `The answer of ${shownUrl} cannot be read: ${why}.` })
