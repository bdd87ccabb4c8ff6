/** Types of XML Schema as JSON Schemas: what elements may stand in an element, in which order, and how often. */
import type { Lookup, RawSchema } from '../schema.ts'
import { childOf, childrenOf, localOf, namespaceOf, type XmlElement } from './tree.ts'

const XSD = 'http://www.w3.org/2001/XMLSchema'

const SCALARS: Record<string, RawSchema> = {
  boolean: { type: 'boolean' },
  ...Object.fromEntries(['decimal', 'double', 'float'].map((name) => [name, { type: 'number' }])),
  ...Object.fromEntries(
    ['integer', 'int', 'long', 'short', 'byte', 'nonNegativeInteger', 'positiveInteger', 'nonPositiveInteger'].map(
      (name) => [name, { type: 'integer' }],
    ),
  ),
  ...Object.fromEntries(
    ['negativeInteger', 'unsignedInt', 'unsignedLong', 'unsignedShort', 'unsignedByte'].map((name) => [
      name,
      { type: 'integer' },
    ]),
  ),
  date: { type: 'string', format: 'date' },
  dateTime: { type: 'string', format: 'date-time' },
  anyURI: { type: 'string' },
  base64Binary: { type: 'string', contentEncoding: 'base64' },
  anyType: {},
}

type Home = { namespace: string; qualified: boolean }
type Declared = { node: XmlElement; home: Home }

/**
 * Declarations of all schemas of a description. The schemas they become have two members of their own: `namespaces`, those of
 * their properties, and `listed`, the properties that may come several times.
 */
export class XsdSchemas {
  private readonly types = new Map<string, Declared>()
  private readonly elements = new Map<string, Declared>()
  private readonly groups = new Map<string, Declared>()
  private readonly attributes: boolean

  /** `attributes`: they become members `@name`, and the text beside them `#text`. */
  constructor(attributes = false) {
    this.attributes = attributes
  }

  /** What a reference stands for: `#/{namespace}Type`, or `#/element/{namespace}name`. */
  readonly lookup: Lookup = (reference) => {
    const [, kind, name] = /^#\/(element\/)?(.+)$/.exec(reference) ?? []
    const declared = (kind ? this.elements : this.types).get(name ?? '')
    if (!declared) return undefined
    return kind ? this.typeOfElement(declared) : this.typeOf(declared)
  }

  add(schema: XmlElement): void {
    const home = {
      namespace: schema.attributes.targetNamespace ?? '',
      qualified: schema.attributes.elementFormDefault === 'qualified',
    }
    for (const node of schema.children) {
      const where =
        node.name === 'element'
          ? this.elements
          : node.name === 'group'
            ? this.groups
            : /Type$/.test(node.name) && this.types
      if (where && node.attributes.name) where.set(`{${home.namespace}}${node.attributes.name}`, { node, home })
    }
  }

  /** Whether the elements inside of an element have its namespace. */
  isQualified(element: string): boolean {
    return this.elements.get(element)?.home.qualified ?? false
  }

  /** The schema of a type by its qualified name. */
  refTo(type: string): RawSchema {
    if (namespaceOf(type) === XSD) return SCALARS[localOf(type)] ?? { type: 'string' }
    return this.types.has(type) ? { $ref: `#/${type}` } : {}
  }

  private typeOfElement({ node, home }: Declared): RawSchema {
    if (node.attributes.ref) return { $ref: `#/element/${node.qualified(node.attributes.ref)}` }
    if (node.attributes.type) return this.refTo(node.qualified(node.attributes.type))
    const inline = childOf(node, 'complexType', 'simpleType')
    return inline ? this.typeOf({ node: inline, home }) : {}
  }

  private typeOf(declared: Declared): RawSchema {
    const { node, home } = declared
    if (node.name === 'simpleType') return this.simple(declared)
    const simple = childOf(childOf(node, 'simpleContent'), 'extension', 'restriction')
    if (simple) return this.textOf(simple)
    const complex = childOf(childOf(node, 'complexContent'), 'extension', 'restriction')
    if (!complex) return this.content({ node, home })
    const own = this.content({ node: complex, home })
    const base = complex.qualified(complex.attributes.base ?? '')
    // Arrays of SOAP encoding name what is in them by an attribute only.
    if (complex.name === 'restriction') return localOf(base) === 'Array' ? {} : own
    const inherited = this.lookup(`#/${base}`)
    return inherited ? joined(inherited, own) : own
  }

  /** A text with attributes: where nobody asks for those, connectors leave them out. */
  private textOf(node: XmlElement): RawSchema {
    const text = this.refTo(node.qualified(node.attributes.base ?? ''))
    const named = this.attributes ? attributesOf(node) : {}
    if (Object.keys(named).length === 0) return text
    return { anyOf: [text, { type: 'object', properties: { '#text': text, ...named } }] }
  }

  private simple({ node, home }: Declared): RawSchema {
    const restriction = childOf(node, 'restriction')
    if (!restriction) return { type: 'string' }
    const values = childrenOf(restriction, 'enumeration').map(({ attributes }) => attributes.value ?? '')
    if (values.length) return { type: 'string', enum: values }
    const inline = childOf(restriction, 'simpleType')
    if (inline) return this.simple({ node: inline, home })
    return this.refTo(restriction.qualified(restriction.attributes.base ?? ''))
  }

  /** The elements in a sequence, a choice, a group, in their order. */
  private content({ node, home }: Declared): RawSchema {
    const made: RawSchema = { type: 'object', properties: {}, required: [], namespaces: {} }
    this.gather(node, home, made, true)
    // An element that a type does not name is refused: nothing of the kind is silently dropped.
    if (this.attributes) {
      Object.assign(made.properties!, attributesOf(node))
      made.additionalProperties ??= false
    }
    return made
  }

  private gather(node: XmlElement, home: Home, made: RawSchema, always: boolean): void {
    const needed = always && node.attributes.minOccurs !== '0'
    for (const inner of node.children) {
      if (inner.name === 'element') this.addElement(inner, home, made, needed)
      else if (inner.name === 'any') made.additionalProperties = true
      else if (inner.name === 'group') {
        const group = this.groups.get(inner.qualified(inner.attributes.ref ?? ''))
        if (group) this.gather(group.node, group.home, made, needed)
      } else if (['sequence', 'all'].includes(inner.name)) this.gather(inner, home, made, needed)
      else if (inner.name === 'choice') this.gather(inner, home, made, false)
    }
  }

  private addElement(node: XmlElement, home: Home, made: RawSchema, needed: boolean): void {
    const { ref, form, minOccurs, maxOccurs = '1' } = node.attributes
    const name = ref ? localOf(node.qualified(ref)) : (node.attributes.name ?? '')
    if (!name || maxOccurs === '0') return
    // What may stand for an abstract element is not looked for.
    if (ref && this.elements.get(node.qualified(ref))?.node.attributes.abstract === 'true') {
      made.additionalProperties = true
      return
    }
    const one = this.typeOfElement({ node, home })
    made.properties![name] = maxOccurs === '1' ? one : { type: 'array', items: one }
    const qualified = form ? form === 'qualified' : home.qualified
    ;(made.namespaces as Record<string, string>)[name] = ref
      ? namespaceOf(node.qualified(ref))
      : qualified
        ? home.namespace
        : ''
    if (needed && minOccurs !== '0') made.required!.push(name)
  }
}

const attributesOf = (node: XmlElement): Record<string, RawSchema> =>
  Object.fromEntries(
    childrenOf(node, 'attribute').map(({ attributes }) => [
      `@${attributes.name ?? attributes.ref}`,
      { type: 'string' },
    ]),
  )

/** What an extension adds comes behind what it extends. */
const joined = (base: RawSchema, own: RawSchema): RawSchema => ({
  ...base,
  ...own,
  ...(base.additionalProperties === true ? { additionalProperties: true } : {}),
  properties: { ...base.properties, ...own.properties },
  required: [...(base.required ?? []), ...(own.required ?? [])],
  namespaces: { ...(base.namespaces as object), ...(own.namespaces as object) },
})
