/** XML as descriptions look at it: names of elements in their order, and texts by path (`Faktura/Fa/P_2`). */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { Refusal } from '../problem.ts'

type Node = Record<string, unknown>

const parser = new XMLParser({ preserveOrder: true, parseTagValue: false, ignoreAttributes: true })

/** The children of the first element at the path; undefined where there is none. */
function childrenAt(xml: string, path: string): Node[] | undefined {
  const valid = XMLValidator.validate(xml)
  if (valid !== true)
    throw new Refusal('invalid', { reason: 'xml', message: `not well-formed: ${valid.err.msg}` }, true)
  let nodes = parser.parse(xml) as Node[]
  for (const name of path.split('/')) {
    const found = nodes.find((node) => name in node)
    if (!found) return undefined
    nodes = found[name] as Node[]
  }
  return nodes
}

/** Names of the elements in the first one at the path, each once where it stands several times in a row. */
export const elementNames = (xml: string, path: string): string[] =>
  (childrenAt(xml, path) ?? [])
    .flatMap((node) => Object.keys(node).filter((name) => name !== '#text'))
    .filter((name, at, all) => name !== all[at - 1])

/** The text of the first element at the path. */
export const elementText = (xml: string, path: string): string | undefined => {
  const text = childrenAt(xml, path)?.find((node) => '#text' in node)
  return text === undefined ? undefined : String(text['#text'])
}
