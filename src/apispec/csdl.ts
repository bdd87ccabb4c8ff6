/** OData service metadata (CSDL, versions 2 to 4) as an API description: its sets, and the calls that OData defines on them. */
import { XMLParser } from 'fast-xml-parser'
import type { ApiDocument, Operation, Parameter } from './contract.ts'
import type { Lookup, RawSchema } from './schema.ts'

type Node = Record<string, unknown>

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  removeNSPrefix: true,
  isArray: (name) => LISTS.has(name),
})
const LISTS = new Set([
  'Schema',
  'EntityType',
  'ComplexType',
  'EnumType',
  'TypeDefinition',
  'EntityContainer',
  'EntitySet',
  'Property',
  'NavigationProperty',
  'PropertyRef',
  'Association',
  'End',
  'Singleton',
])

const SCALARS: Record<string, RawSchema> = {
  'Edm.Boolean': { type: 'boolean' },
  'Edm.Byte': { type: 'integer' },
  'Edm.SByte': { type: 'integer' },
  'Edm.Int16': { type: 'integer' },
  'Edm.Int32': { type: 'integer' },
  // Version 2 writes these as text, version 4 as numbers.
  'Edm.Int64': { type: ['integer', 'string'] },
  'Edm.Decimal': { type: ['number', 'string'] },
  'Edm.Double': { type: ['number', 'string'] },
  'Edm.Single': { type: ['number', 'string'] },
  // Any value, and any entity.
  'Edm.Untyped': {},
  'Edm.PrimitiveType': {},
  'Edm.ComplexType': {},
  'Edm.EntityType': {},
}

export function readCsdl(text: string, file: string): ApiDocument {
  const root = parser.parse(text) as { Edmx?: { Version?: string; DataServices?: { Schema?: Node[] } } }
  const schemas = root.Edmx?.DataServices?.Schema ?? []
  const types = new Map<string, Node>()
  for (const schema of schemas)
    for (const kind of ['EntityType', 'ComplexType', 'EnumType', 'TypeDefinition'])
      for (const type of list(schema[kind])) {
        types.set(`${String(schema.Namespace)}.${String(type.Name)}`, type)
        if (schema.Alias) types.set(`${String(schema.Alias)}.${String(type.Name)}`, type)
      }
  const legacy = !String(root.Edmx?.Version ?? '4').startsWith('4')
  const lookup: Lookup = (reference) => schemaOf(reference.replace('#/', ''), types, schemas)
  const sets = schemas
    .flatMap((schema) => list(schema.EntityContainer))
    .flatMap((container) => list(container.EntitySet))
  return {
    file,
    title: String(schemas[0]?.Namespace ?? 'OData'),
    editions: schemas.map(({ Namespace }) => ({ title: String(Namespace), version: '' })),
    prefixes: [''],
    operations: [
      ...sets.map((set) => [String(set.Name), String(set.EntityType)] as const),
      ...containedIn(types),
    ].flatMap(([name, type]) => operationsOf(name, { $ref: `#/${type}` }, legacy, lookup)),
    security: [],
    tokenPaths: [],
    lookup,
    marksReadOnly: false,
    ofSets: true,
  }
}

/** Sets that are reached through an entity only (`companies(…)/customers`): their name, and the type of their entities. */
const containedIn = (types: Map<string, Node>): (readonly [string, string])[] =>
  [...types.values()]
    .flatMap((type) => list(type.NavigationProperty))
    .flatMap(({ Name, Type, ContainsTarget }) => {
      const many = /^Collection\((.+)\)$/.exec(String(Type))
      return many && ContainsTarget === 'true' ? [[String(Name), many[1]!] as const] : []
    })

const list = (value: unknown): Node[] => (Array.isArray(value) ? (value as Node[]) : value ? [value as Node] : [])

function schemaOf(name: string, types: Map<string, Node>, schemas: Node[]): RawSchema | undefined {
  const collection = /^Collection\((.+)\)$/.exec(name)
  if (collection) return { type: 'array', items: { $ref: `#/${collection[1]}` } }
  if (name.startsWith('Edm.')) return SCALARS[name] ?? { type: 'string' }
  const type = types.get(name)
  if (!type) return undefined
  if (type.Member) return { type: 'string' }
  if (type.UnderlyingType) return schemaOf(String(type.UnderlyingType), types, schemas)
  const base = type.BaseType ? schemaOf(String(type.BaseType), types, schemas) : undefined
  const properties: Record<string, RawSchema> = { ...base?.properties }
  for (const property of list(type.Property)) properties[String(property.Name)] = { $ref: `#/${String(property.Type)}` }
  for (const navigation of list(type.NavigationProperty))
    properties[String(navigation.Name)] = { $ref: `#/${String(navigation.Type ?? endOf(navigation, schemas))}` }
  for (const annotation of ['@odata.etag', '@odata.id', '@odata.type', '@odata.context', '__metadata'])
    properties[annotation] ??= annotation === '__metadata' ? METADATA : { type: 'string' }
  // Members of an open type are not all named.
  return { type: 'object', properties, ...(type.OpenType === 'true' ? { additionalProperties: true } : {}) }
}

const METADATA: RawSchema = {
  type: 'object',
  properties: { uri: { type: 'string' }, id: { type: 'string' }, etag: { type: 'string' }, type: { type: 'string' } },
}

/** Version 2 says by an association where a navigation leads, and how many are there. */
function endOf(navigation: Node, schemas: Node[]): string {
  const name = String(navigation.Relationship ?? '')
    .split('.')
    .at(-1)
  const association = schemas.flatMap((schema) => list(schema.Association)).find((one) => one.Name === name)
  const end = list(association?.End).find((one) => one.Role === navigation.ToRole)
  const type = String(end?.Type ?? '')
  return end?.Multiplicity === '*' ? `Collection(${type})` : type
}

const OPTIONS = [
  '$filter',
  '$orderby',
  '$select',
  '$expand',
  '$top',
  '$skip',
  '$skiptoken',
  '$deltatoken',
  '$count',
  '$inlinecount',
  '$search',
  '$format',
  '$apply',
]

function operationsOf(set: string, item: RawSchema, legacy: boolean, lookup: Lookup): Operation[] {
  const many: RawSchema = legacy
    ? {
        type: 'object',
        properties: {
          d: {
            type: 'object',
            properties: {
              results: { type: 'array', items: item },
              __next: { type: 'string' },
              __count: { type: 'string' },
              __delta: { type: 'string' },
            },
          },
        },
      }
    : {
        type: 'object',
        properties: {
          value: { type: 'array', items: item },
          '@odata.context': { type: 'string' },
          '@odata.nextLink': { type: 'string' },
          '@odata.deltaLink': { type: 'string' },
          '@odata.count': { type: 'integer' },
        },
      }
  const single: RawSchema = legacy ? { type: 'object', properties: { d: item } } : item
  const options: Parameter[] = OPTIONS.map((name) => ({
    name,
    in: 'query',
    required: false,
    schema: { type: 'string' },
  }))
  const call = (method: string, path: string, answer?: RawSchema, body?: RawSchema): Operation => ({
    method,
    path,
    parameters: options,
    lookup,
    ...(answer ? { answer } : {}),
    ...(body ? { body: { schema: body, form: false } } : {}),
  })
  return [
    call('GET', `/${set}`, many),
    call('POST', `/${set}`, single, item),
    call('GET', `/${set}({key})`, single),
    call('PATCH', `/${set}({key})`, single, item),
    call('PUT', `/${set}({key})`, single, item),
    call('MERGE', `/${set}({key})`, undefined, item),
    call('DELETE', `/${set}({key})`),
    call('GET', `/${set}/$count`, { type: 'integer' }),
  ]
}
