/**
 * XML as the protocols here meet it: elements by local name, whatever their prefix. Document types are refused: entities of a
 * document's own are how a small answer fills the memory. Cut or broken documents are refused, never made the best of.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { CausewayError } from '../../core/index.ts'

/** An element: its text, or its children and attributes (`@name`) by local name. */
export type XmlNode = string | XmlNode[] | { [name: string]: XmlNode }
export type XmlFields = { [name: string]: XmlNode }

export type XmlReading = {
  /** Elements that are lists even where there is one; `path` is that of local names, from the root. */
  isList(name: string, path: string): boolean
  attributes?: boolean
  /** False where spaces around text belong to it. */
  trim?: boolean
}

/** Makes a reader of documents: the tree, or why there is none. */
export function xmlReader({ isList, attributes = false, trim = true }: XmlReading) {
  const parser = new XMLParser({
    ignoreAttributes: !attributes,
    attributeNamePrefix: '@',
    removeNSPrefix: true,
    // "007.50" is a text, not a number.
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: trim,
    isArray: (name, path) => isList(name, String(path)),
    // Character references and the usual names; a document cannot add any, and may use as many as it likes.
    htmlEntities: true,
    processEntities: { enabled: true, maxEntityCount: 0, maxTotalExpansions: Number.MAX_SAFE_INTEGER },
  })
  return (text: string): { root: XmlFields } | { fault: string } => {
    if (/<!(DOCTYPE|ENTITY)/i.test(text)) return { fault: 'it declares a document type' }
    // The parser itself makes the best of cut or broken XML.
    const valid = XMLValidator.validate(text)
    if (valid !== true) return { fault: `it is not well-formed XML (line ${valid.err.line})` }
    return { root: parser.parse(text) as XmlFields }
  }
}

/** A node as children by name; nothing where it is text. */
export const xmlFields = (node: XmlNode | undefined): XmlFields =>
  typeof node === 'object' && !Array.isArray(node) ? node : {}

export const xmlList = (node: XmlNode | undefined): XmlNode[] =>
  node === undefined || node === '' ? [] : Array.isArray(node) ? node : [node]

/** The text of an element, whether or not it has attributes. */
export const xmlText = (node: XmlNode | undefined): string | null =>
  typeof node === 'string' ? node : node === undefined || Array.isArray(node) ? null : xmlText(node['#text'] ?? '')

const SIGNS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' }

/** Text for content and attributes. Throws CSW-2007 for characters that XML 1.0 cannot hold. */
export function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML forbids.
  const at = text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/)
  if (at >= 0 || !text.isWellFormed())
    throw new CausewayError('CSW-2007', {
      what: `A text holds ${at < 0 ? 'half a character' : `U+${text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')}`}, which XML cannot carry.`,
      fix: 'Take it out in the mapping.',
    })
  return text.replace(/[&<>"\r]/g, (sign) => SIGNS[sign]!)
}
