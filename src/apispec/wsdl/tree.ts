/** The XML of a description with its namespaces: attributes hold names with prefixes, too. */
import sax from 'sax'

export type XmlElement = {
  /** Its name without prefix. */
  name: string
  namespace: string
  /** By names without prefix; declarations of namespaces are left out. */
  attributes: Record<string, string>
  children: XmlElement[]
  /** What a name with a prefix stands for here, as `{namespace}name`. */
  qualified(name: string): string
}

/** The root of a document. Throws an Error that says where it is not well-formed. */
export function xmlTree(text: string): XmlElement {
  const parser = sax.parser(true, { xmlns: true })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  parser.onerror = (error) => {
    throw new Error(`${error.message.split('\n')[0]} (line ${parser.line + 1})`)
  }
  parser.onopentag = (tag) => {
    const element = elementOf(tag as sax.QualifiedTag)
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  }
  parser.onclosetag = () => void open.pop()
  parser.write(text.replace(/^\uFEFF/, '')).close()
  if (!root) throw new Error('it is empty')
  return root
}

function elementOf({ local, uri, attributes, ns }: sax.QualifiedTag): XmlElement {
  const own = Object.values(attributes).filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
  return {
    name: local,
    namespace: uri,
    attributes: Object.fromEntries(own.map((one) => [one.local, one.value])),
    children: [],
    qualified: (name) => {
      const [prefix, bare] = name.includes(':') ? (name.split(':', 2) as [string, string]) : ['', name]
      return `{${(ns as Record<string, string>)[prefix] ?? ''}}${bare}`
    },
  }
}

export const childrenOf = (element: XmlElement | undefined, ...names: string[]): XmlElement[] =>
  (element?.children ?? []).filter(({ name }) => names.includes(name))

export const childOf = (element: XmlElement | undefined, ...names: string[]): XmlElement | undefined =>
  childrenOf(element, ...names)[0]

/** The parts of `{namespace}name`. */
export const namespaceOf = (qualified: string): string => qualified.slice(1, qualified.indexOf('}'))
export const localOf = (qualified: string): string => qualified.slice(qualified.indexOf('}') + 1)
