/** Lists inside a record that come cut off: what is missing is asked for, and the record is whole before anybody sees it. */
import { CausewayError, isObject, type Json, type JsonObject, setOwn } from '../../core/index.ts'
import {
  type CompiledPart,
  type Expression,
  expression,
  type Fields,
  integer,
  list,
  part,
  section,
  text,
} from '../language/index.ts'
import { ANSWER_NAMES, answerScope, type Caller } from './answer.ts'
import { inPool } from './pool.ts'
import { listOf } from './read-checks.ts'
import type { RequestFields } from './request.ts'

const nestedFields = {
  at: text({
    sense: 'Where the list stands in the record: names with dots between them.',
    required: true,
    pattern: '^[A-Za-z_][\\w-]*(\\.[A-Za-z_][\\w-]*)*$',
    example: 'lines.nodes',
  }),
  next: expression({
    sense: 'The cursor behind the last item in the record; no value means that the list is whole.',
    names: ['record', 'settings'],
    required: true,
    example: 'record.lines.pageInfo.hasNextPage ? record.lines.pageInfo.endCursor',
  }),
  records: expression({
    sense: 'The further items in an answer.',
    names: ANSWER_NAMES,
    required: true,
    example: 'response.lines.nodes',
  }),
  more: expression({
    sense: 'The cursor of the next answer; no value means the end.',
    names: ANSWER_NAMES,
    example: 'response.lines.pageInfo.hasNextPage ? response.lines.pageInfo.endCursor',
  }),
  most: integer({ sense: 'Longer lists are an error.', default: 10_000, minimum: 1 }),
}

const nestedPart = <R extends Fields>(request: RequestFields<R>, example: string) =>
  part({
    title: 'Nested list',
    sense: 'A list inside the records that the system cuts off, with the request that gives the rest of it.',
    fields: { ...request(['record', 'cursor', 'settings']), ...nestedFields },
    example,
  })

/** The `nested` field of a stream. */
export const nestedField = <R extends Fields>(request: RequestFields<R>, example: string) =>
  list(section(nestedPart(request, example), { sense: 'One list.' }), {
    sense: 'Lists inside the records that come cut off. They are completed wherever records are read.',
  })
export type NestedSpec<R> = R & CompiledPart<typeof nestedFields>

export type NestedContext<R> = {
  stream: { name: string }
  caller: Caller<R>
  settings: JsonObject
  concurrent: number
  nested?: readonly NestedSpec<R>[] | undefined
}

/** Completes the lists of records in place: they were parsed a moment ago and belong to nobody else. */
export async function completeNested<R>(context: NestedContext<R>, bodies: Json[], signal: AbortSignal): Promise<void> {
  for (const spec of context.nested ?? []) {
    const cut = bodies.filter(
      (body) => isObject(body) && given(spec.next, { record: body, settings: context.settings }),
    )
    await inPool(cut, context.concurrent, (body) => complete(context, spec, body as JsonObject, signal))
  }
}

async function complete<R>(context: NestedContext<R>, spec: NestedSpec<R>, record: JsonObject, signal: AbortSignal) {
  const { settings, stream, caller } = context
  const items = listAt(record, spec.at)
  const seen = new Set<string>()
  let cursor = given(spec.next, { record, settings })
  while (cursor !== undefined) {
    const mark = JSON.stringify(cursor)
    if (seen.has(mark) || items.length > spec.most)
      throw new CausewayError('CSW-2006', {
        what: `Reading ${spec.at} of a record of ${stream.name} does not get on: ${seen.has(mark) ? 'the same cursor came a second time' : `it is longer than ${spec.most}`}.`,
      })
    seen.add(mark)
    const answer = await caller.call(spec, { record, cursor, settings }, { signal, purpose: 'read' })
    if (answer.failure) throw answer.failure
    const scope = answerScope(answer, settings)
    items.push(...listOf(spec.records.evaluate(scope)))
    cursor = spec.more ? given(spec.more, scope) : undefined
  }
}

/** The list at a path; one is made where there is none, and a single item becomes a list. */
function listAt(record: JsonObject, path: string): Json[] {
  const names = path.split('.')
  const last = names.pop()!
  let at = record
  for (const name of names) {
    const inner = Object.hasOwn(at, name) ? at[name] : undefined
    if (!isObject(inner)) setOwn(at, name, {})
    at = at[name] as JsonObject
  }
  const items = listOf(Object.hasOwn(at, last) ? at[last] : undefined)
  setOwn(at, last, items)
  return items
}

/** Systems write "no more" as null, a missing key, an empty text, or false. */
function given(from: Expression, scope: Record<string, unknown>): Json | undefined {
  const value = from.evaluate(scope)
  return value === null || value === '' || value === false ? undefined : (value as Json | undefined)
}
