/** Reads the outcome of each record from the answer to a batch. */
import { CausewayError, type ErrorCode, type Json } from '../../core/index.ts'
import type { WriteOutcome } from '../contract.ts'
import { asText, type Expression, type Scope } from '../language/index.ts'
import { usableId } from '../manifest/record.ts'
import { type Answer, answerScope } from './answer.ts'
import { isTrue } from './errors.ts'
import { failedOutcome } from './outcome.ts'
import { listOf } from './read-checks.ts'
import { findMessage, tidyMessage } from './remote-message.ts'
import type { BatchSpec } from './write-fields.ts'
import type { Prepared, WriterContext } from './writer.ts'

type Batch = Omit<BatchSpec<unknown>, 'job'>

/**
 * Outcomes in the order of the records, or null where the call failed as a whole and says nothing of single records.
 * A record that the answer does not mention has an unknown outcome. The body of a refusal often passes for results (a list
 * of one error, an object where the results are the whole answer): it counts as such only where it speaks of these records.
 */
export function batchOutcomes<R>(
  batch: Batch,
  chunk: Prepared[],
  answer: Answer,
  context: WriterContext<R>,
): WriteOutcome[] | null {
  const scope = answerScope(answer, context.settings)
  const readable = answer.failure === null || ['CSW-3008', 'CSW-3009', 'CSW-3013'].includes(answer.failure.code)
  if (!readable) return null
  const results = batch.results ? listOf(batch.results.evaluate(scope)) : []
  const errors = batch.errors ? listOf(batch.errors.evaluate(scope)) : []
  const failed = byMark(errors, 'error', batch.correlate?.error, scope)
  const marks = chunk.map((prepared, index) => markOf(batch, prepared, index))
  // A job may tell of records that are not asked about here.
  const stray = errors.length > 0 && !chunk[0]?.job && hasStray(batch, errors, { marks, scope })
  const resultOf = matcher(batch, results, { chunk, marks, scope })
  const entries = chunk.map((prepared, index) => {
    const mark = marks[index]
    return {
      prepared,
      error: mark === undefined ? undefined : failed.get(mark),
      result: resultOf(mark, prepared, prepared.job?.place ?? index),
    }
  })
  const speaks = ({ error, result }: (typeof entries)[number]) =>
    error !== undefined ||
    (result !== undefined && tellsFailure(batch, { ...scope, result }, mayBeBody(chunk, batch, answer)))
  if (answer.failure && !entries.some(speaks)) return null
  return entries.map(({ prepared, error, result }) => {
    if (error !== undefined)
      return refused(prepared, messageOf(batch.error_message, { ...scope, error }, error), context)
    if (!batch.results) return stray ? unmentioned(prepared, context) : plainOutcome(prepared, answer, context)
    if (result === undefined) return unmentioned(prepared, context)
    return outcomeOf(batch, prepared, { ...scope, result }, result, context)
  })
}

type Sent = { chunk: Prepared[]; marks: (string | undefined)[]; scope: Scope }
type ResultOf = (mark: string | undefined, prepared: Prepared, index: number) => Json | undefined

/** Finds the result of a record: by mark where there is one, else by position, which needs as many results as records. */
function matcher(batch: Batch, results: Json[], { chunk, marks, scope }: Sent): ResultOf {
  if (batch.correlate?.result) {
    const found = byMark(results, 'result', batch.correlate.result, scope)
    // Of several records with one mark and a result each nobody can tell whose is whose.
    const shared = new Set(marks.filter((mark, i) => mark !== undefined && marks.indexOf(mark) !== i))
    const unclear = shared.size ? repeated(results, batch.correlate.result, scope) : shared
    return (mark) => (mark === undefined || (shared.has(mark) && unclear.has(mark)) ? undefined : found.get(mark))
  }
  const due = chunk[0]?.job?.of ?? chunk.length
  if (results.length !== due) return () => undefined
  const byPlace: ResultOf = (_mark, _prepared, index) => results[index]
  // Creates: no result can name a record that was asked for.
  if (chunk.every(({ item }) => item.id === undefined)) return byPlace
  const named = results.map((result) => usableId(batch.id?.evaluate({ ...scope, result })) ?? undefined)
  const sent = new Map(chunk.map(({ item }, i) => [item.id, i]))
  // An answer whose results name records of this batch at other places is in another order than it was asked in.
  const isMoved = !chunk[0]?.job && named.some((id, i) => id !== undefined && (sent.get(id) ?? i) !== i)
  if (isMoved) return (_mark, { item }) => (item.id === undefined ? undefined : results[named.indexOf(item.id)])
  return byPlace
}

/** Whether an error names none of these records, so that it may be about any of them. */
function hasStray({ correlate }: Batch, errors: Json[], { marks, scope }: Pick<Sent, 'marks' | 'scope'>): boolean {
  const known = new Set(marks)
  return errors.some(
    (error) => !listOf(correlate?.error?.evaluate({ ...scope, error })).some((mark) => known.has(asText(mark))),
  )
}

/** Marks that several results have. */
function repeated(results: Json[], mark: Expression, scope: Scope): Set<string> {
  const all = results.flatMap((result) => listOf(mark.evaluate({ ...scope, result })).map(asText))
  return new Set(all.filter((one, i) => all.indexOf(one) !== i))
}

function byMark(entries: Json[], name: string, mark: Expression | undefined, scope: Scope): Map<string, Json> {
  const found = new Map<string, Json>()
  if (!mark) return found
  for (const entry of entries) {
    for (const value of listOf(mark.evaluate({ ...scope, [name]: entry }))) found.set(asText(value), entry)
  }
  return found
}

/** The mark of a record; what went with an earlier job keeps the one it was sent with. */
export function markOf(batch: Batch, { scope, job }: Prepared, index: number): string | undefined {
  if (job) return job.mark ?? undefined
  const value = batch.correlate?.item.evaluate({ ...scope, index })
  return value === undefined || value === null ? undefined : asText(value)
}

function outcomeOf<R>(
  batch: Batch,
  prepared: Prepared,
  scope: Scope,
  result: Json,
  context: WriterContext<R>,
): WriteOutcome {
  const is = (expression: Expression | undefined) => expression !== undefined && isTrue(expression.evaluate(scope))
  const reason = () => messageOf(batch.message, scope, result)
  if (is(batch.missing)) return failed(prepared, 'CSW-3009', reason(), context)
  if (is(batch.conflict)) return failed(prepared, 'CSW-3013', reason(), context)
  if (is(batch.again)) return failed(prepared, 'CSW-3006', reason(), context)
  if (is(batch.failed)) return refused(prepared, reason(), context)
  const id = usableId(batch.id?.evaluate(scope)) ?? prepared.item.id
  if (id === undefined) return unmentioned(prepared, context)
  const version = batch.version?.evaluate(scope)
  return {
    ref: prepared.item.ref,
    status: 'written',
    id,
    ...(version === undefined || version === null ? {} : { version: asText(version) }),
  }
}

/**
 * Whether a result says that its record failed: a refusal in which no record failed is no list of results, even where its
 * entries have ids. Where the body itself may stand for the only result, `failed` alone says no more than the status does.
 */
function tellsFailure({ missing, conflict, again, failed }: Batch, scope: Scope, bodyItself: boolean): boolean {
  const said = [missing, conflict, again, ...(bodyItself ? [] : [failed])]
  return said.some((one) => one !== undefined && isTrue(one.evaluate(scope)))
}

/** One record, found by position: any body gives one result. A plain refusal means the same either way. */
const mayBeBody = (chunk: Prepared[], batch: Batch, { failure }: Answer): boolean =>
  chunk.length === 1 && !batch.correlate?.result && failure?.code !== 'CSW-3008'

/** No results are declared: the call as a whole succeeded. */
function plainOutcome<R>(prepared: Prepared, answer: Answer, context: WriterContext<R>): WriteOutcome {
  const { ref, id } = prepared.item
  if (answer.failure || id === undefined) return unmentioned(prepared, context)
  return { ref, status: 'written', id }
}

function messageOf(expression: Expression | undefined, scope: Scope, entry: Json): string | undefined {
  const value = expression?.evaluate(scope)
  const text =
    value === undefined || value === null
      ? findMessage(entry)
      : typeof value === 'object'
        ? findMessage(value as Json)
        : asText(value)
  return text === undefined ? undefined : tidyMessage(text)
}

const refused = <R>(prepared: Prepared, reason: string | undefined, context: WriterContext<R>): WriteOutcome =>
  failed(prepared, 'CSW-3008', reason, context)

function failed<R>(
  prepared: Prepared,
  code: ErrorCode,
  reason: string | undefined,
  context: WriterContext<R>,
): WriteOutcome {
  const what =
    { 'CSW-3009': 'is gone', 'CSW-3013': 'changed meanwhile', 'CSW-3006': 'could not be written now' }[
      code as string
    ] ?? 'was refused'
  return failedOutcome(
    prepared.item.ref,
    new CausewayError(code, { what: `A record of ${context.stream} ${what}${reason ? `: ${reason}` : ''}.` }),
  )
}

const unmentioned = <R>(prepared: Prepared, context: WriterContext<R>): WriteOutcome =>
  failedOutcome(
    prepared.item.ref,
    new CausewayError('CSW-3012', {
      what: `The answer to a batch into ${context.stream} says nothing about this record.`,
    }),
  )
