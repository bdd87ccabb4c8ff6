/** Finding records: by id (`fetch`) and by the value of a field (`lookup`). */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { LookupRequest, LookupResult, SourceRecord } from '../contract.ts'
import {
  type CompiledPart,
  type Expression,
  expression,
  type Field,
  type Fields,
  flag,
  integer,
  map,
  part,
  section,
} from '../language/index.ts'
import { isRejected, usableId } from '../manifest/record.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import { ANSWER_NAMES, type Answer, answerScope, type Caller } from './answer.ts'
import { refuseErrorInside } from './error-inside.ts'
import { isTrue } from './errors.ts'
import { lookupPageFields, lookupPages, markOfPage } from './lookup-pages.ts'
import { completeNested, type NestedSpec } from './nested.ts'
import { type Paging, pagingField, type positionScope } from './paging.ts'
import { chunksOf, inPool } from './pool.ts'
import { listOf, unusedNames } from './read-checks.ts'
import type { RequestFields } from './request.ts'

const recordsField = expression({
  sense: 'Where the records stand in the answer. A single object counts as one.',
  names: ANSWER_NAMES,
  default: 'response',
  example: 'response.data',
})
const emptyField = expression({
  sense:
    'True for an answer that looks like a failure and means: not found. A 404 to a request for one value always does.',
  names: ANSWER_NAMES,
})

const fetchFields = {
  records: recordsField,
  batch: integer({
    sense: 'How many ids one request may ask for. 1: the request uses `id`; more: it uses `ids`.',
    default: 1,
    minimum: 1,
  }),
  empty: emptyField,
}
export const fetchPart = <R extends Fields>(request: RequestFields<R>, example: string) =>
  part({
    title: 'Fetch',
    sense: 'Reads single records by id.',
    fields: { ...request(['id', 'ids', 'settings']), ...fetchFields },
    example,
  })

const lookupFields = {
  records: recordsField,
  batch: integer({
    sense: 'How many values one request may ask for. 1: the request uses `value`; more: it uses `values`.',
    default: 1,
    minimum: 1,
  }),
  field: expression({
    sense: 'The value of a found record that is compared. Default: the field of the same name.',
    names: ['record', 'settings'],
    example: 'record.email',
  }),
  fetch_ids: expression({
    sense:
      'For answers that show less than the record: the id of each, by which it is then read as `fetch` says. `record` is what the answer shows.',
    names: ['record', 'settings'],
    example: 'record.id',
  }),
  ignore_case: flag({ sense: 'The system compares without regard to case, so we do too.', default: false }),
  empty: emptyField,
}
const LOOKUP_NAMES = ['value', 'values', 'settings', 'cursor', 'page'] as const
const onePart = <R extends Fields>(request: RequestFields<R>, paging: Field<Paging>) =>
  part({
    title: 'Look-up',
    sense: 'How records are found by one field.',
    fields: { ...request(LOOKUP_NAMES), ...lookupFields, ...lookupPageFields(paging) },
    check: (value) => unusedNames(value, value.paging, undefined),
  })

/** The `lookup` field: one way to find records per searchable field. */
export const lookupField = <R extends Fields>(
  request: RequestFields<R>,
  paging: Field<Paging> = pagingField as Field<Paging>,
) =>
  map(section(onePart(request, paging), { sense: 'How records are found by this field.' }), {
    sense:
      'How records are found by a field, before one is created. Records that do not really hold the value are dropped, so a fuzzy search will do; give it `paging`, for the record that is meant may stand on a later page. Give a batch filter where there is one: it is used for hundreds of records.',
  })

export type FetchSpec<R> = R & CompiledPart<typeof fetchFields>
export type LookupSpec<R> = R &
  CompiledPart<typeof lookupFields> &
  Partial<CompiledPart<ReturnType<typeof lookupPageFields>>> & {
    /** Whether any record can hold the value at all, where a protocol knows types; one that none can hold is not asked for. */
    possible?: (value: string) => boolean
  }
export type FinderContext<R> = {
  stream: StreamSpec<unknown>
  caller: Caller<R>
  settings: JsonObject
  concurrent: number
  /** Lists inside the records that come cut off. */
  nested?: readonly NestedSpec<R>[] | undefined
}

/** Reads records by id; those that do not exist are missing from the answer. */
export async function fetchRecords<R>(
  context: FinderContext<R>,
  spec: FetchSpec<R>,
  ids: string[],
  signal: AbortSignal,
): Promise<SourceRecord[]> {
  const found = await inPool(chunksOf([...new Set(ids)], spec.batch), context.concurrent, (chunk) =>
    untilComplete(chunk, namesOf, async (some, again) => {
      const scope = { ids: some, id: some[0], settings: context.settings }
      const answer = await ask(context, spec, scope, { asked: some.length, again, signal })
      if (!answer) return []
      const records = await recordsOf(context, bodiesOf(context, spec, answer), signal)
      return spec.batch === 1 ? records.map((record) => conditional(context, record, answer)) : records
    }),
  )
  const wanted = new Set(ids)
  return found.flat().filter((record) => wanted.has(record.id) || record.aliases?.some((alias) => wanted.has(alias)))
}

/** With what the headers of an answer tell that is about this record alone. */
function conditional<R>({ stream }: FinderContext<R>, record: SourceRecord, { headers }: Answer): SourceRecord {
  const condition = record.deleted ? null : stream.conditionOf?.(record.body, headers)
  return condition ? { ...record, condition } : record
}

const namesOf = ({ id, aliases = [] }: SourceRecord): string[] => [id, ...aliases]

/**
 * Asks for what an answer left out once more, as long as that brings something. An answer that shows a part may have been cut off at the
 * end of a page, and what it does not show would be taken for absent: created a second time, or deleted. Where nothing is shown, or
 * everything, one request is enough.
 */
async function untilComplete(
  wanted: string[],
  shownBy: (record: SourceRecord) => string[],
  ask: (some: string[], again: boolean) => Promise<SourceRecord[]>,
): Promise<SourceRecord[]> {
  const all: SourceRecord[] = []
  let left = wanted
  for (let again = false; ; again = true) {
    const records = await ask(left, again)
    const asked = new Set(left)
    // Some systems give what they gave before, whatever they are asked for.
    all.push(...(again ? records.filter((record) => shownBy(record).some((one) => asked.has(one))) : records))
    const shown = new Set(records.flatMap(shownBy))
    const rest = left.filter((one) => !shown.has(one))
    if (!rest.length || rest.length === left.length) return all
    left = rest
  }
}

/** Finds records by the value of a field; `fetch` is needed where the look-up has `fetch_ids`. */
export async function lookupRecords<R>(
  context: FinderContext<R>,
  spec: LookupSpec<R>,
  { field, values, signal }: LookupRequest,
  fetch: FetchSpec<R> | undefined,
): Promise<LookupResult> {
  // Systems compare texts, not how their accents are spelled.
  const fold = (text: string) => (spec.ignore_case ? text.toLowerCase() : text).normalize()
  const askable = spec.possible ? values.filter(spec.possible) : values
  const asked = new Map(askable.map((value) => [fold(value), value]))
  const result: LookupResult = new Map()
  const heldBy = (record: SourceRecord) =>
    valuesOf(spec, record, field, context.settings).flatMap((held) => asked.get(fold(held)) ?? [])
  const { settings } = context
  const paging = {
    paging: spec.paging ?? ONE_PAGE,
    size: Number(spec.page_size?.evaluate({ settings })) || 100,
    stream: context.stream.name,
    settings,
  }
  const pageOf =
    (some: string[], again: boolean) =>
    async ({ url, ...position }: ReturnType<typeof positionScope>) => {
      const scope = { ...position, values: some, value: some[0], settings }
      const answer = await ask(context, spec, scope, { asked: some.length, again, signal, url })
      if (!answer) return null
      const bodies = bodiesOf(context, spec, answer)
      const ids = spec.fetch_ids && idsOf(spec.fetch_ids, bodies, settings)
      const records = await (ids ? fetchRecords(context, fetch!, ids, signal) : recordsOf(context, bodies, signal))
      return { answer, bodies, records, mark: markOfPage(ids ?? records.map(({ id }) => id)) }
    }
  const pages = await inPool(chunksOf([...asked.values()], spec.batch), context.concurrent, (chunk) =>
    untilComplete(chunk, heldBy, (some, again) =>
      lookupPages(
        paging,
        pageOf(some, again),
        (all, last) => areShown(some, all.flatMap(heldBy)) && !last.flatMap(heldBy).length,
      ),
    ),
  )
  for (const record of pages.flat()) {
    for (const value of heldBy(record)) {
      const known = result.get(value)
      if (!known) result.set(value, [record])
      else if (!known.some(({ id }) => id === record.id)) known.push(record)
    }
  }
  // Two spellings of one value were asked once; both get the answer.
  for (const value of values) {
    const same = result.get(asked.get(fold(value))!)
    if (same) result.set(value, same)
  }
  return result
}

const ONE_PAGE: Paging = { kind: 'none' }

const areShown = (wanted: string[], shown: string[]): boolean => {
  const all = new Set(shown)
  return wanted.every((one) => all.has(one))
}

/** The ids of what an answer shows, whatever else is in it. */
const idsOf = (id: Expression, bodies: Json[], settings: JsonObject): string[] =>
  bodies.flatMap((record) => usableId(id.evaluate({ record, settings })) ?? [])

/** The values a record holds under the field: a list counts with each of its items. */
function valuesOf<R>(spec: LookupSpec<R>, record: SourceRecord, field: string, settings: JsonObject): string[] {
  const held = spec.field
    ? spec.field.evaluate({ record: record.body, settings })
    : field
        .split('.')
        .reduce<Json | undefined>((at, name) => (isObject(at) ? (at as JsonObject)[name] : undefined), record.body)
  return listOf(held).flatMap((value) => usableId(value) ?? [])
}

async function ask<R>(
  context: FinderContext<R>,
  spec: R & { empty: { evaluate(scope: Record<string, unknown>): unknown } | undefined },
  scope: Record<string, unknown>,
  { asked, again, signal, url }: { asked: number; again: boolean; signal: AbortSignal; url?: string | undefined },
): Promise<Answer | null> {
  // The address was right a moment ago.
  const ofRecords = asked === 1 || again
  const options = { signal, purpose: 'read', notFound: ofRecords ? 'record' : 'address' } as const
  const answer = await context.caller.call(spec, scope, url === undefined ? options : { ...options, url })
  if (!answer.failure) return answer
  const absent = ofRecords && answer.failure.code === 'CSW-3009'
  if (absent || (spec.empty && isTrue(spec.empty.evaluate(answerScope(answer, context.settings))))) return null
  throw answer.failure
}

/** What an answer shows, as it stands there. */
function bodiesOf<R>(
  { settings, stream }: FinderContext<R>,
  spec: { records: { evaluate(scope: Record<string, unknown>): unknown } },
  answer: Answer,
): Json[] {
  const bodies = listOf(spec.records.evaluate(answerScope(answer, settings)))
  if (!bodies.length) refuseErrorInside(answer, stream.name)
  return bodies
}

async function recordsOf<R>(context: FinderContext<R>, bodies: Json[], signal: AbortSignal): Promise<SourceRecord[]> {
  await completeNested(context, bodies, signal)
  return bodies.map((body) => {
    const made = context.stream.toRecord(body)
    // Here a record was asked for by name: one that cannot be read must not look like one that does not exist.
    if (isRejected(made)) throw made.error
    return made
  })
}
