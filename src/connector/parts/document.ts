/** An XML document made of the values of a record, for systems whose records are documents of a schema. */
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject } from '../../core/index.ts'
import type { RecordSchema } from '../contract.ts'
import { asText, expression, map, part, type Scope, section, text, type ValueOf } from '../language/index.ts'
import { escapeXml } from './xml.ts'

const documentPart = part({
  title: 'Document',
  sense:
    'An XML document made of values: members are elements, lists repeat one, `@name` is an attribute and `#text` the text beside it. Null and missing members leave their element out. Expressions see the document as the text `document`.',
  fields: {
    root: text({ sense: 'The name of its outermost element.', required: true, example: 'Invoice' }),
    namespace: text({ sense: 'Its namespace.', example: 'urn:example:invoice:3' }),
    attributes: map(text({ sense: 'The value.' }), { sense: 'Further attributes of the outermost element.' }),
    at: text({
      sense:
        'The field of the record that holds it; without it, the whole record. Elements come in the order that its properties have in `write_schema`, and what that does not know is refused.',
      example: 'invoice',
    }),
    content: expression({
      sense: 'What it holds, where that is not just the field: its members are put into the same order.',
      names: ['values', 'settings'],
      example: '$merge([values.invoice, { "Number": values.number }])',
    }),
  },
  example: `
write:
  create:
    path: /invoices
    document:
      root: Invoice
      namespace: urn:example:invoice:3
      at: invoice
      content: '$merge([values.invoice, { "Number": values.number }])'
    headers: { Content-Type: application/xml }
    body: \${ document }
    body_as: text
    id: response.id
write_schema:
  type: object
  properties:
    number: { type: string }
    invoice: { type: object, properties: { Number: { type: string }, Line: { type: array, items: { type: string } } } }
`,
})
export type DocumentSpec = ValueOf<typeof documentPart>

/** The `document` of an operation that sends values. */
export const documentField = {
  document: section(documentPart, { sense: 'For systems that take a record as an XML document.' }),
}

/** The document of one record. Throws CSW-2007 for a member the schema does not know, and for text that XML cannot hold. */
export function documentOf(spec: DocumentSpec, scope: Scope, writeSchema: RecordSchema | undefined): string {
  const { at, root } = spec
  const values = scope.values as JsonObject
  const content = (spec.content ? spec.content.evaluate(scope) : at ? values[at] : values) as Json | undefined
  const whole = writeSchema as Schema | undefined
  const attributes = { ...(spec.namespace ? { xmlns: spec.namespace } : {}), ...spec.attributes }
  const opening = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
  const inner = contentOf(content ?? null, at ? whole?.properties?.[at] : whole, root)
  return `<?xml version="1.0" encoding="UTF-8"?><${root}${opening.join('')}>${inner}</${root}>`
}

type Schema = { properties?: Record<string, Schema>; items?: Schema }

/** What stands between the tags: text, or the elements of an object in the order of the schema, where there is one. */
function contentOf(value: Json, schema: Schema | undefined, path: string): string {
  if (!isObject(value) || isRawNumber(value)) return value === null ? '' : escapeXml(asText(value))
  const properties: Record<string, Schema | undefined> =
    schema?.properties ?? Object.fromEntries(Object.keys(value).map((name) => [name, undefined]))
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(properties, name))
  if (unknown !== undefined)
    throw new CausewayError('CSW-2007', {
      what: `The document has no place for ${path}.${unknown}.`,
      fix: 'Take it out of the mapping, or add it to the `write_schema` of the stream.',
    })
  return Object.entries(properties)
    .filter(([name]) => !name.startsWith('@'))
    .map(([name, inner]) => elements(name, value[name], inner, `${path}.${name}`))
    .join('')
}

function elements(name: string, value: Json | undefined, schema: Schema | undefined, path: string): string {
  if (value === undefined || value === null) return ''
  if (name === '#text') return escapeXml(asText(value))
  // A list of one may come as the thing itself.
  const own = schema?.items ?? schema
  if (Array.isArray(value)) return value.map((item) => elements(name, item, own, path)).join('')
  return `<${name}${attributesOf(value)}>${contentOf(value, own, path)}</${name}>`
}

const attributesOf = (value: Json): string =>
  isObject(value) && !isRawNumber(value)
    ? Object.entries(value)
        .filter(([name, item]) => name.startsWith('@') && item !== null)
        .map(([name, item]) => ` ${name.slice(1)}="${escapeXml(asText(item))}"`)
        .join('')
    : ''
