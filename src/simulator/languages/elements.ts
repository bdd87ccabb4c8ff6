/** XML of requests and answers, namespaces and all. Another parser than the hub's: the two judge each other. */
import { XMLBuilder } from 'fast-xml-parser'
import sax from 'sax'
import { Refusal } from '../problem.ts'

type Attribute = { name: string; namespace: string; value: string }
export type Element = { name: string; namespace: string; attributes: Attribute[]; children: Element[]; text: string }

const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

/** The root element of a document. Throws a refusal of a request the vendor could not even read. */
export function elementOf(text: string): Element {
  // Entities of HTML are none of XML's; the types do not know that this can be said.
  const parser = sax.parser(true, { xmlns: true, strictEntities: true } as sax.SAXOptions)
  const open: Element[] = []
  let root: Element | undefined
  const fail = (message: string): never => {
    throw new Refusal('invalid', { reason: 'xml', message: `The body is no XML: ${message}` }, true)
  }
  parser.onerror = ({ message }) => fail(message.split('\n')[0]!)
  parser.ondoctype = () => fail('a document type is declared')
  parser.onopentag = (tag) => {
    const { local, uri, attributes } = tag as sax.QualifiedTag
    const element = { name: local, namespace: uri, attributes: attributesOf(attributes), children: [], text: '' }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  }
  const add = (more: string) => {
    const element = open.at(-1)
    if (element) element.text += more
  }
  parser.ontext = add
  parser.oncdata = add
  parser.onclosetag = () => void open.pop()
  parser.write(text).close()
  return root ?? fail('it is empty')
}

const attributesOf = (given: Record<string, sax.QualifiedAttribute>): Attribute[] =>
  Object.values(given)
    .filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
    .map(({ local, uri, value }) => ({ name: local, namespace: uri, value }))

export const child = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((one) => one.name === name)

/**
 * What is in an element as texts, objects and lists: members by `nameOf`, attributes as `@name`, text beside them as `#text`.
 * Elements that come several times are a list; `xsi:nil` is null.
 */
export function dataOf(element: Element, nameOf: (element: Element) => string): unknown {
  const nil = element.attributes.find(({ name, namespace }) => name === 'nil' && namespace === XSI)
  if (nil && /^(true|1)$/.test(nil.value)) return null
  const made: Record<string, unknown> = {}
  for (const { name, namespace, value } of element.attributes) if (namespace !== XSI) made[`@${name}`] = value
  for (const inner of element.children) {
    const name = nameOf(inner)
    const value = dataOf(inner, nameOf)
    made[name] = Object.hasOwn(made, name) ? [made[name], value].flat() : value
  }
  if (Object.keys(made).length === 0) return element.text
  return element.children.length === 0 && element.text !== '' ? { ...made, '#text': element.text } : made
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  suppressBooleanAttributes: false,
})

/** A document of elements by name; `@name` and `#text` as above, a list repeats its element, null is `xsi:nil`. */
export const documentOf = (elements: Record<string, unknown>): string =>
  `<?xml version="1.0" encoding="utf-8"?>${builder.build(withNils(elements)) as string}`

function withNils(value: unknown): unknown {
  if (value === null) return { '@xsi:nil': 'true' }
  if (Array.isArray(value)) return value.map(withNils)
  if (typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value as object)
      // An attribute without a value is left out.
      .filter(([name, item]) => item !== undefined && !(name.startsWith('@') && item === null))
      .map(([name, item]) => [name, withNils(item)]),
  )
}
