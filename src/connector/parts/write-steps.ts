/** Requests around a write: what must be known just before it, and what links the record afterwards. */
import { CausewayError, type Json } from '../../core/index.ts'
import type { WriteItem } from '../contract.ts'
import { asText, type CompiledPart, expression, type Fields, list, part, section, text } from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope, type Caller, type CallOptions } from './answer.ts'
import { isTrue } from './errors.ts'
import { listOf } from './read-checks.ts'
import type { RequestFields } from './write-fields.ts'

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

/** `before`, `apart` and `after` of an operation that sends values; `names` are those of its request. */
export const stepFields = <R extends Fields>(request: RequestFields<R>, names: readonly string[]) => ({
  ...(names.includes('id')
    ? {
        before: section(
          part({
            title: 'Before a write',
            sense:
              'Reads the record just before it is written, for systems that want its latest mark with every change. Where it changed between the two, both are done once more.',
            fields: { ...request(['id', 'key', 'settings'], 'GET'), ...beforeFields },
          }),
          { sense: 'A request that reads the record just before it is written.' },
        ),
      }
    : {}),
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

export type StepContext<R> = { caller: Caller<R>; settings: unknown; stream: string }

/** Reads the record that is about to be written. The answer's failure, or a conflict with the version that was meant. */
export async function readBefore<R>(
  { caller, settings, stream }: StepContext<R>,
  before: Before<R>,
  item: WriteItem,
  signal: AbortSignal,
): Promise<{ current: Json } | { failure: CausewayError }> {
  const answer = await caller.call(
    before,
    { id: item.id, key: item.key, settings },
    { signal, purpose: 'read', notFound: 'record' },
  )
  if (answer.failure) return { failure: answer.failure }
  const current = (before.current.evaluate(answerScope(answer, settings)) ?? null) as Json
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
