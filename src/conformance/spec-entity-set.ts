/** A stream over an entity set of an OData service: every property it names must be one of the set's. */
import { type ApiDocument, itemOf, member, namesOf, type Type, typeOfSchema } from '../apispec/index.ts'
import { formatPlace, isObject, type JsonObject, type YamlFile, type YamlPath } from '../core/index.ts'
import type { SpecRow } from './spec-walk.ts'

/** What one record of an entity set is; null where the service has no such set. */
export function entityOf(stream: JsonObject, document: ApiDocument): Type | null {
  const set = String(stream.set).split('/').at(-1)!
  const operation = document.operations.find((one) => one.method === 'GET' && one.path === `/${set}`)
  if (!operation?.answer) return null
  const answer = typeOfSchema(operation.answer, operation.lookup)
  return itemOf(namesOf(answer).includes('d') ? member(member(answer, 'd'), 'results') : member(answer, 'value'))
}

export function entitySetRows(name: string, stream: JsonObject, yaml: YamlFile, document: ApiDocument): SpecRow[] {
  const rows: SpecRow[] = []
  const at = (path: YamlPath) => formatPlace(yaml.placeOf(['streams', name, ...path]))
  // A set behind a company or tenant (`companies(…)/customers`) is described by its own name.
  const set = String(stream.set).split('/').at(-1)!
  const operation = document.operations.find((one) => one.method === 'GET' && one.path === `/${set}`)
  rows.push({
    place: at(['set']),
    what: 'request',
    name: `GET /${set}`,
    verdict: operation ? 'checked' : 'wrong',
    detail: operation ? '' : 'the service has no such entity set',
  })
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
  for (const [index, property] of listOf(stream.select).entries()) note(property, ['select', index], 'read')
  for (const property of keysOf(stream.lookup)) note(property, ['lookup', property], 'read')
  for (const property of keysOf(stream.alternate_keys)) note(property, ['alternate_keys', property], 'read')
  const { field } = (isObject(stream.changes) ? stream.changes : {}) as JsonObject
  if (typeof field === 'string') note(field, ['changes', 'field'], 'read')
  for (const { 0: name, 1: reference } of Object.entries((stream.references ?? {}) as Record<string, JsonObject>))
    if (typeof reference.navigation === 'string') note(reference.navigation, ['references', name, 'navigation'], 'sent')
  return rows
}

const keysOf = (value: unknown): string[] => (isObject(value as never) ? Object.keys(value as object) : [])
const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
