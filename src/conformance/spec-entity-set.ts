/** A stream over an entity set of an OData service: every property it names must be one of the set's. */
import {
  type ApiDocument,
  flatLists,
  flatLookup,
  isReadOnly,
  itemOf,
  member,
  namesOf,
  type Operation,
  type RawSchema,
  type Type,
  typeOfSchema,
} from '../apispec/index.ts'
import { formatPlace, isObject, type JsonObject, type YamlFile, type YamlPath } from '../core/index.ts'
import { missing } from './spec-partial.ts'
import type { SpecRow } from './spec-rows.ts'
import { unnamed } from './spec-unnamed.ts'

/** What one record of an entity set is; null where the service has no such set. */
export function entityOf(stream: JsonObject, document: ApiDocument): Type | null {
  const operation = listOf(stream, document)
  if (!operation?.answer) return null
  const answer = plain(operation.answer, operation)
  return itemOf(member(answer, namesOf(answer).includes('d') ? 'd' : 'value'))
}

/** What is read and written as a stream sees it: the runtime takes version 2 out of its wrappings. */
const plain = (schema: RawSchema, { lookup }: Operation): Type => typeOfSchema(flatLists(schema), flatLookup(lookup))

/**
 * The call that lists a set. A set behind a company or tenant (`companies(…)/customers`) is described by its own name, or by a
 * path that ends with it.
 */
function listOf(stream: JsonObject, { operations }: ApiDocument): Operation | undefined {
  const set = setOf(stream)
  const lists = operations.filter(({ method, path }) => method === 'GET' && path.endsWith(`/${set}`))
  return lists.sort((a, b) => a.path.length - b.path.length)[0]
}

const setOf = (stream: JsonObject): string => String(stream.set).split('/').at(-1)!

const METHODS: Record<string, readonly string[]> = {
  create: ['POST'],
  update: ['PATCH', 'PUT', 'MERGE'],
  delete: ['DELETE'],
}

/** The call by which a set is written: on the set itself, or on one of its entities by key. */
function writeOf(listed: Operation, kind: string, { operations }: ApiDocument): Operation | undefined {
  const path = kind === 'create' ? listed.path : `${listed.path}(`
  return METHODS[kind]!.flatMap((method) =>
    operations.filter(
      (one) =>
        one.method === method && (one.path === path || (kind !== 'create' && ofOneEntity(listed.path, one.path))),
    ),
  )[0]
}

const ofOneEntity = (set: string, path: string): boolean =>
  path.startsWith(set) && /^(\([^)]*\)|\/\{[^}/]*\})$/.test(path.slice(set.length))

export function entitySetRows(
  name: string,
  stream: JsonObject,
  yaml: YamlFile,
  document: ApiDocument,
  writeSchema?: JsonObject,
): SpecRow[] {
  const rows: SpecRow[] = []
  const at = (path: YamlPath) => formatPlace(yaml.placeOf(['streams', name, ...path]))
  const set = setOf(stream)
  const operation = listOf(stream, document)
  rows.push({
    place: at(['set']),
    what: 'request',
    name: `GET /${set}`,
    verdict: operation ? 'checked' : 'wrong',
    detail: operation ? operation.path : 'the service has no such entity set',
  })
  for (const kind of operation && Array.isArray(stream.write) ? (stream.write as string[]) : []) {
    const call = METHODS[kind] && writeOf(operation!, kind, document)
    rows.push({
      place: at(['write']),
      what: 'request',
      name: `${kind} ${set}`,
      verdict: call ? 'checked' : missing.request(document, METHODS[kind]?.[0] ?? ''),
      detail: call ? `${call.method} ${call.path}` : 'the description has no such call',
    })
    const taken = call?.body && kind === 'create' ? plain(call.body.schema, call) : null
    for (const property of taken && taken.kind !== 'any' ? keysOf(writeSchema?.properties) : [])
      rows.push({
        place: at(['write_schema']),
        what: 'sent',
        name: property,
        ...sent(property, taken!, call!, document),
      })
  }
  const entity = entityOf(stream, document)
  if (!entity) return rows
  const note = (property: string, path: YamlPath, what: SpecRow['what']) => {
    const found = property.split('/').reduce<Type>((type, step) => member(itemOf(type), step), entity)
    const verdict = found.kind === 'none' ? 'wrong' : 'checked'
    rows.push({
      place: at(path),
      what,
      name: property,
      verdict,
      detail: verdict === 'wrong' ? `${set} has no such property` : '',
    })
  }
  for (const property of keysOf(stream.keys)) note(property, ['keys', property], 'read')
  for (const [index, property] of textsOf(stream.select).entries()) note(property, ['select', index], 'read')
  for (const property of keysOf(stream.lookup)) note(property, ['lookup', property], 'read')
  for (const property of keysOf(stream.alternate_keys)) note(property, ['alternate_keys', property], 'read')
  const { field } = (isObject(stream.changes) ? stream.changes : {}) as JsonObject
  if (typeof field === 'string') note(field, ['changes', 'field'], 'read')
  for (const { 0: name, 1: reference } of Object.entries((stream.references ?? {}) as Record<string, JsonObject>))
    if (typeof reference.navigation === 'string') note(reference.navigation, ['references', name, 'navigation'], 'sent')
  return rows
}

/** A new entity may carry what belongs to it, which the description of the call does not repeat. */
function sent(
  property: string,
  taken: Type,
  call: Operation,
  document: ApiDocument,
): Pick<SpecRow, 'verdict' | 'detail'> {
  const type = member(itemOf(taken), property)
  if (type.kind === 'none') return unnamed(document, call, property, itemOf(taken))
  return isReadOnly(type)
    ? { verdict: 'wrong', detail: 'the property is read-only' }
    : { verdict: 'checked', detail: '' }
}

const keysOf = (value: unknown): string[] => (isObject(value as never) ? Object.keys(value as object) : [])
const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
