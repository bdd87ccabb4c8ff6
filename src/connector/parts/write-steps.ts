/** Requests around a write: what must be known just before it, and what links the record afterwards. */
import { CausewayError, type Json } from '../../core/index.ts'
import type { WriteItem } from '../contract.ts'
import {
  asText,
  type CompiledPart,
  expression,
  type Fields,
  integer,
  list,
  part,
  section,
  text,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope, type Caller, type CallOptions } from './answer.ts'
import { isTrue } from './errors.ts'
import { chunksOf, inPool } from './pool.ts'
import { listOf } from './read-checks.ts'
import type { RequestFields } from './request.ts'

const beforeFields = {
  current: expression({
    sense: 'The record as it stands there: the request of the operation sees it as `current`.',
    names: ANSWER_NAMES,
    default: 'response',
    example: 'response.Customer',
  }),
  version: expression({
    sense: 'Its version, to be compared with the one the write is meant for.',
    names: ['current', 'settings'],
    example: 'current.SyncToken',
  }),
  batch: integer({
    sense:
      'How many records one request reads, before a batch is written: it then uses `ids`, and `current` gives a list. 1: it uses `id`.',
    default: 1,
    minimum: 1,
  }),
  id: expression({
    sense: 'Which record one of that list is.',
    names: ['current', 'settings'],
    example: 'current.Id',
  }),
}

const afterFields = {
  when: expression({
    sense: 'True where the request is due; without it, always.',
    names: ['values', 'known', 'id', 'settings'],
    example: '$exists(values.company_id)',
  }),
  each: expression({
    sense: 'A list: one request for each of its items, which it sees as `item`. No value means none.',
    names: ['values', 'known', 'id', 'settings'],
    example: 'values.tags',
  }),
}

/** `before` of an operation on a record that exists. */
export const beforeField = <R extends Fields>(request: RequestFields<R>) => ({
  before: section(
    part({
      title: 'Before a write',
      sense:
        'Reads the record just before it is written, for systems that want its latest mark with every change. Where it changed between the two, both are done once more.',
      fields: { ...request(['id', 'ids', 'key', 'settings'], 'GET'), ...beforeFields },
      check: ({ batch, id }) =>
        batch > 1 && !id
          ? [
              {
                field: 'batch',
                message: 'nothing says which of the records is which',
                fix: 'Add `id`, such as `current.Id`.',
              },
            ]
          : [],
    }),
    { sense: 'A request that reads the record just before it is written.' },
  ),
})

/** `before`, `apart` and `after` of an operation that sends values; `names` are those of its request. */
export const stepFields = <R extends Fields>(request: RequestFields<R>, names: readonly string[]) => ({
  ...(names.includes('id') ? beforeField(request) : {}),
  apart: list(text({ sense: 'A field.' }), {
    sense:
      'Fields that the request itself does not carry, because `after` does. Where nothing else changed, it is not sent.',
    example: ['company_id', 'tags'],
  }),
  after: list(
    section(
      part({
        title: 'After a write',
        sense:
          'Links the record: associations, memberships, tags. Where it fails, an update is tried again as a whole, and a create is looked up first.',
        fields: { ...request([...new Set([...names, 'id', 'known', 'item'])], 'PUT'), ...afterFields },
      }),
      { sense: 'One request.' },
    ),
    { sense: 'Requests that follow when the record is written, in their order.' },
  ),
})

type Before<R> = R & CompiledPart<typeof beforeFields>
type After<R> = R & CompiledPart<typeof afterFields>
export type WriteSteps<R> = {
  before?: Before<R> | undefined
  apart?: string[] | undefined
  after?: After<R>[] | undefined
}

export type StepContext<R> = { caller: Caller<R>; settings: unknown; stream: string; concurrent: number }

/** What was read of a record that is about to be written: as it stands there, or why it cannot be written. */
type Found = { current: Json } | { failure: CausewayError }

/** Reads the records that are about to be written, by their `ref`; several in one request where `batch` says so. */
export async function readBefore<R>(
  context: StepContext<R>,
  before: Before<R>,
  items: readonly WriteItem[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>()
  await inPool(chunksOf(items, before.batch), context.concurrent, async (chunk) => {
    const { caller, settings } = context
    const [{ id, key }] = chunk as [WriteItem]
    const scope = { id, key, ids: chunk.map((item) => item.id), settings }
    const answer = await caller.call(before, scope, { signal, purpose: 'read', notFound: 'record' })
    const records = answer.failure ? null : (before.current.evaluate(answerScope(answer, settings)) ?? null)
    for (const item of chunk)
      found.set(item.ref, answer.failure ? { failure: answer.failure } : judged(context, before, item, records as Json))
  })
  return found
}

/** One of the records read: missing where the list does not have it, a conflict where it is another version than the write is meant for. */
function judged<R>({ settings, stream }: StepContext<R>, before: Before<R>, item: WriteItem, records: Json): Found {
  const idOf = (current: unknown) => asText(before.id?.evaluate({ current, settings }) ?? '')
  const current = before.batch > 1 ? listOf(records).find((record) => idOf(record) === item.id) : records
  if (current === undefined)
    return { failure: new CausewayError('CSW-3009', { what: `A record of ${stream} is no longer there.` }) }
  const version = before.version?.evaluate({ current, settings })
  const changed =
    item.ifVersion !== undefined && version !== undefined && version !== null && asText(version) !== item.ifVersion
  return changed
    ? { failure: new CausewayError('CSW-3013', { what: `A record of ${stream} changed meanwhile.` }) }
    : { current }
}

/** The failure of the first request that did not succeed, or null. */
export async function sendAfter<R>(
  { caller, settings }: StepContext<R>,
  after: readonly After<R>[],
  scope: Record<string, unknown>,
  options: CallOptions,
): Promise<CausewayError | null> {
  for (const step of after) {
    const names = { ...scope, settings }
    if (step.when && !isTrue(step.when.evaluate(names))) continue
    const items = step.each ? listOf(step.each.evaluate(names)) : [undefined]
    for (const item of items) {
      const answer: Answer = await caller.call(step, { ...names, item }, { ...options, idempotent: true })
      if (answer.failure) return answer.failure
    }
  }
  return null
}
