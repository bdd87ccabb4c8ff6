/**
 * Answers of both versions in one shape: a page is `{ value, nextLink, deltaLink }`, an entity its properties with, where it
 * has one, `@odata.etag`. Links and context that say nothing about the record are dropped.
 */
import { isObject, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import type { Interpret } from '../../parts/http.ts'
import type { ODataVersion } from './literals.ts'

/** Where the rest of an expanded collection is; followed before the record is given out. */
export const MORE = '@odata.nextLink'

/** A value as an object; an empty one where it is none. */
export const fieldsOf = (value: unknown): JsonObject => (isObject(value) ? (value as JsonObject) : {})

/** Reads the body of an answer. */
export const interpreter =
  (version: ODataVersion): Interpret =>
  (body) => {
    if (!isObject(body)) return { response: body }
    const fields = body as JsonObject
    // Services that meet an error in the middle of a page append it and end the page; what came before is not all.
    if (isObject(fields.error)) return { response: plainError(fields), fault: 'it ends with an error' }
    return { response: version === 'v4' ? answerV4(fields) : answerV2(fields) }
  }

/** What a service says about a refusal: its message and those of its details, which often hold the reason. */
export function reasonIn(response: unknown): string | undefined {
  const { message, details, innererror } = fieldsOf(fieldsOf(response).error)
  const further = [details, fieldsOf(innererror).errordetails].flatMap((list) => (Array.isArray(list) ? list : []))
  const said = [message, ...further.map((one) => fieldsOf(one).message)].filter((text) => typeof text === 'string')
  return said.length ? [...new Set(said)].join('; ') : undefined
}

/** Version 2 puts messages into an object with their language. */
function plainError(fields: JsonObject): JsonObject {
  const error = fieldsOf(fields.error)
  const message = isObject(error.message) ? (fieldsOf(error.message).value ?? null) : (error.message ?? null)
  return { ...fields, error: { ...error, message } }
}

function answerV4(fields: JsonObject): Json {
  if (!Array.isArray(fields.value)) return entityV4(fields)
  return page(fields.value.map(entityV4), control(fields, 'nextLink'), control(fields, 'deltaLink'))
}

function answerV2(fields: JsonObject): Json {
  const { d = fields } = fields
  if (Array.isArray(d)) return page(d.map(entityV2), undefined, undefined)
  if (!isObject(d)) return d
  const { results, __next, __delta } = d as JsonObject
  return Array.isArray(results) ? page(results.map(entityV2), __next, __delta) : entityV2(d)
}

const page = (value: Json[], nextLink: Json | undefined, deltaLink: Json | undefined): JsonObject => ({
  value,
  ...(typeof nextLink === 'string' ? { nextLink } : {}),
  ...(typeof deltaLink === 'string' ? { deltaLink } : {}),
})

/** Control information; version 4.01 may leave `odata.` out. */
const control = (fields: JsonObject, name: string): Json | undefined => fields[`@odata.${name}`] ?? fields[`@${name}`]

function entityV4(value: Json): Json {
  if (!isObject(value)) return value
  const fields = value as JsonObject
  const gone = deletion(fields)
  if (gone) return gone
  const entity: JsonObject = {}
  const etag = control(fields, 'etag')
  if (typeof etag === 'string') entity['@odata.etag'] = etag
  for (const [name, item] of Object.entries(fields)) {
    const at = name.indexOf('@')
    if (at < 0) setOwn(entity, name, nestedV4(item))
    else if (at > 0 && /^(odata\.)?nextLink$/.test(name.slice(at + 1))) entity[name.slice(0, at) + MORE] = item
  }
  return entity
}

const nestedV4 = (value: Json): Json =>
  Array.isArray(value) ? value.map(nestedV4) : isObject(value) ? entityV4(value) : value

/**
 * A deletion as `{ "@removed": …, "@id": … }`. 4.0 says so by the context of the entry and gives `id`; 4.01 by `@removed`. A
 * change of a relation only is neither a record nor a deletion: null, which the reader leaves out.
 */
function deletion(fields: JsonObject): JsonObject | null {
  const context = control(fields, 'context')
  const kind = typeof context === 'string' ? context.slice(context.lastIndexOf('/') + 1) : ''
  if (/\$(deletedLink|link)$/.test(kind)) return { '@link': true }
  const removed = fields['@odata.removed'] ?? fields['@removed']
  if (removed === undefined && !/\$deletedEntity$/.test(kind)) return null
  const id = removed === undefined ? fields.id : (control(fields, 'id') ?? fields.id)
  return { ...fields, '@removed': true, '@id': id ?? null }
}

function entityV2(value: Json): Json {
  if (!isObject(value)) return value
  const entity: JsonObject = {}
  const { __metadata, ...fields } = value as JsonObject
  const etag = isObject(__metadata) ? (__metadata as JsonObject).etag : undefined
  if (typeof etag === 'string') entity['@odata.etag'] = etag
  for (const [name, item] of Object.entries(fields)) {
    if (isObject(item) && '__deferred' in (item as JsonObject)) continue
    const nested = isObject(item) ? (item as JsonObject) : {}
    if (typeof nested.__next === 'string') entity[name + MORE] = nested.__next
    setOwn(entity, name, nestedV2(item))
  }
  return entity
}

function nestedV2(value: Json): Json {
  if (typeof value === 'string') return momentV2(value)
  if (Array.isArray(value)) return value.map(nestedV2)
  if (!isObject(value)) return value
  const { results } = value as JsonObject
  return Array.isArray(results) ? results.map(nestedV2) : entityV2(value)
}

/** `/Date(ms)/` has no zone, `/Date(ms+0060)/` has one; the milliseconds are UTC in both. */
function momentV2(text: string): string {
  const match = /^\/Date\((-?\d{1,16})([+-]\d{1,4})?\)\/$/.exec(text)
  if (!match) return text
  const ms = Number(match[1])
  if (Math.abs(ms) > 8.64e15) return text
  const iso = new Date(ms).toISOString().replace('.000Z', 'Z')
  return match[2] === undefined ? iso.slice(0, -1) : iso
}
