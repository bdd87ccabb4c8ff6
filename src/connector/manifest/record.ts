/** Turns a body into a record of its stream. Runs once per record read, so it copies nothing and allocates little. */
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject, setOwn } from '../../core/index.ts'
import type { RejectedRecord, SourceRecord } from '../contract.ts'
import type { Expression } from '../language/expression.ts'
import { sortableVersion, type VersionType } from '../parts/versions.ts'
import type { UnorderedSpec } from './stream.ts'

export type RecordRecipe = {
  stream: string
  /** Undefined where the protocol finds ids by itself. */
  key: Expression | undefined
  version: { value: Expression; type: VersionType } | undefined
  deleted: Expression | undefined
  aliases: Expression | undefined
  mergedInto?: Expression | undefined
  movedBy?: Expression | undefined
  condition?: Expression | undefined
  unordered?: UnorderedSpec | undefined
  /** Turns a body as it was received into one as records have it. */
  convert?: (body: JsonObject) => JsonObject
}

export const isRejected = (made: SourceRecord | RejectedRecord): made is RejectedRecord => 'error' in made

/** Makes the function that reads the records of one stream. */
export function recordReader(
  recipe: RecordRecipe,
  settings: JsonObject,
): (body: Json, id?: string | null) => SourceRecord | RejectedRecord {
  const { key, version, deleted, aliases, mergedInto, movedBy } = recipe
  const conditionOf = conditionReader(recipe.condition, settings)
  // One scope for all records: evaluation is synchronous and keeps nothing of it.
  const scope: { record: Json; settings: JsonObject } = { record: null, settings }
  return (received, given) => {
    if (!isObject(received)) return rejected(received, recipe, 'CSW-5001', `is ${kindOf(received)}, not an object`)
    const body = recipe.convert ? recipe.convert(received as JsonObject) : (received as JsonObject)
    scope.record = body
    const id = usableId(key ? key.evaluate(scope) : given)
    if (id === null) return rejected(body, recipe, 'CSW-5001', `has no usable id${key ? ` (${key.source})` : ''}`)
    let sortable: string | null = null
    if (version) {
      const value = version.value.evaluate(scope)
      if (value !== undefined && value !== null && value !== '') {
        sortable = sortableVersion(value, version.type)
        if (sortable === null)
          return rejected(
            body,
            recipe,
            'CSW-2009',
            `has a version that is no ${version.type} (${version.value.source})`,
          )
      }
    }
    const record: SourceRecord = {
      id,
      version: sortable,
      body: recipe.unordered ? ordered(body, recipe.unordered) : body,
    }
    if (deleted && isTrue(deleted.evaluate(scope))) {
      record.deleted = true
      record.body = {}
      const survivor = mergedInto ? usableId(mergedInto.evaluate(scope)) : null
      if (survivor !== null && survivor !== id) record.mergedInto = survivor
    }
    if (aliases) addAliases(record, aliases.evaluate(scope))
    const kept = movedBy && !record.deleted ? usableId(movedBy.evaluate(scope)) : null
    if (kept !== null) record.movedBy = kept
    const condition = record.deleted ? null : (conditionOf?.(body, NO_HEADERS) ?? null)
    if (condition !== null) record.condition = condition
    return record
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = {}

/** Makes the function that tells what writes of a record can be made conditional on. `headers`: of an answer that is about it alone. */
export function conditionReader(
  condition: Expression | undefined,
  settings: JsonObject,
): ((body: JsonObject, headers: Readonly<Record<string, string>>) => string | null) | undefined {
  return condition && ((record, headers) => usableId(condition.evaluate({ record, headers, settings })))
}

/** A body in an order of its own: fields by name, the named lists by their content. */
function ordered(body: JsonObject, { lists }: UnorderedSpec): JsonObject {
  const sorted = byName(body) as JsonObject
  for (const name of lists ?? []) {
    const list = sorted[name]
    if (Array.isArray(list)) list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  return sorted
}

function byName(value: Json): Json {
  if (Array.isArray(value)) return value.map(byName)
  if (!isObject(value)) return value
  const sorted: JsonObject = {}
  for (const name of Object.keys(value).sort()) setOwn(sorted, name, byName((value as JsonObject)[name]!))
  return sorted
}

/** Ids are text without U+0000, which neither Postgres nor anything else keeps. */
export function usableId(value: unknown): string | null {
  if (typeof value === 'string') return value === '' || value.includes('\0') ? null : value
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  return isRawNumber(value) ? value.rawJSON : null
}

/** What systems write for "yes". Zero, "0", "false" and "" are no. */
const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(true|1|yes|y)$/i.test(value))

function addAliases(record: SourceRecord, value: unknown): void {
  const ids = (Array.isArray(value) ? value : [value]).map(usableId).filter((id) => id !== null && id !== record.id)
  if (ids.length) record.aliases = [...new Set(ids as string[])]
}

function rejected(body: Json, recipe: RecordRecipe, code: 'CSW-5001' | 'CSW-2009', why: string): RejectedRecord {
  return {
    body,
    error: new CausewayError(code, {
      what: `A record of ${recipe.stream} ${why}.`,
      ...(recipe.key ? { place: recipe.key.place } : {}),
    }),
  }
}

const kindOf = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
