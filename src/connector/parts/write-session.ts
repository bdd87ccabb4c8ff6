/**
 * Writing within a session: opened for one batch of records, each sent by itself, closed, waited for. The keys of a session are
 * made for it and end with it: they are in no table, and a process that dies leaves a session that nobody can go on with.
 */
import { randomBytes } from 'node:crypto'
import { asCausewayError, CausewayError, type Json, systemClock } from '../../core/index.ts'
import type { WriteOutcome } from '../contract.ts'
import { type Answer, answerScope, type CallOptions } from './answer.ts'
import { batchOutcomes } from './batch-outcomes.ts'
import { doubtful, finished } from './job-write.ts'
import { failedOutcome } from './outcome.ts'
import { runSteps } from './steps.ts'
import type { BatchSpec } from './write-fields.ts'
import type { WriteJob } from './write-job-fields.ts'
import type { Prepared, WriterContext } from './writer.ts'

/** What the requests of a job see besides its id. */
type Made = { secret: Record<string, string>; steps: Record<string, Json> }

/** Makes the secrets of a job, asks what must be known before it, and does its work; then nothing knows the secrets any more. */
export async function withSecrets<R, T>(
  { caller, settings, hide }: WriterContext<R>,
  job: WriteJob<R>,
  { signal, maySend, onExchange }: CallOptions,
  work: (made: Made) => Promise<T>,
): Promise<T> {
  const secret = Object.fromEntries(
    Object.entries(job.secrets ?? {}).map(([name, size]) => [name, randomBytes(size).toString('base64')]),
  )
  // A few bytes would hide much that is none.
  const shown = hide?.(Object.values(secret).filter((one) => one.length >= 16))
  const options: CallOptions = {
    signal,
    purpose: 'read',
    notFound: 'address',
    ...(maySend ? { maySend } : {}),
    ...(onExchange ? { onExchange } : {}),
  }
  try {
    const send = caller.call.bind(caller)
    const steps = await runSteps({ steps: job.steps ?? [], scope: { secret, settings }, settings, options, send })
    return await work({ secret, steps })
  } finally {
    shown?.()
  }
}

type Batch<R> = BatchSpec<R> & { job: WriteJob<R> }
type Session<R> = {
  context: WriterContext<R>
  batch: Batch<R>
  /** The answer to the request that opened it. */
  opened: Answer
  scope: Record<string, unknown>
  options: CallOptions
}
type Sent = { reached: Prepared[]; lost: Set<string>; failed: Map<string, CausewayError> }

/**
 * Sends the records into a session that is open, closes it and reads what became of them. Outcomes in the order of the records.
 */
export async function sendInSession<R>(
  session: Session<R>,
  records: readonly Prepared[],
  items: readonly Json[],
): Promise<WriteOutcome[]> {
  const { context, batch, opened } = session
  const { caller, settings } = context
  const id = batch.job.id?.evaluate(answerScope(opened, settings)) as Json | undefined
  const names = { ...session.scope, job: { id: id ?? null } }
  const { reached, lost, failed } = await sendEach(session, names, records, items)
  if (batch.job.close)
    // A session that was not closed is closed by its system in time; what it took in goes on all the same.
    await caller.call(batch.job.close, names, { ...session.options, idempotent: true }).catch(() => null)
  const outcomes = new Map([...failed].map(([ref, error]) => [ref, failedOutcome(ref, error)]))
  for (const outcome of await told(session, id, reached, lost)) outcomes.set(outcome.ref, outcome)
  return records.map(({ item }) => outcomes.get(item.ref)!)
}

/** Sends one record after the other. What fails for a reason that is not the record's own ends it: the next ones would fail alike. */
async function sendEach<R>(
  { context: { caller }, batch, options }: Session<R>,
  names: Record<string, unknown>,
  records: readonly Prepared[],
  items: readonly Json[],
): Promise<Sent> {
  const sent: Sent = { reached: [], lost: new Set(), failed: new Map() }
  let ended: CausewayError | null = null
  for (const [index, record] of records.entries()) {
    const { ref } = record.item
    const answer: Answer | CausewayError =
      ended ?? (await sendOne(caller, batch.job.each!, { ...names, item: items[index], index }, options))
    const error: CausewayError | null = answer instanceof CausewayError ? answer : answer.failure
    if (!error) {
      sent.reached.push({ ...record, scope: { ...record.scope, sent: (answer as Answer).response } })
    } else if (error.code === 'CSW-3012') {
      sent.reached.push(record)
      sent.lost.add(ref)
    } else {
      sent.failed.set(ref, error)
      if (!OWN_FAULT.has(error.code)) ended = error
    }
  }
  return sent
}

/** The answer, or why there is none. */
const sendOne = <R>(
  caller: WriterContext<R>['caller'],
  request: R,
  scope: Record<string, unknown>,
  options: CallOptions,
): Promise<Answer | CausewayError> => caller.call(request, scope, options).catch(asCausewayError)

/** Failures that are about this record and say nothing of the next. */
const OWN_FAULT = new Set<string>(['CSW-2007', 'CSW-2011', 'CSW-3008', 'CSW-3009', 'CSW-3013', 'CSW-3017'])

/** What the session tells of the records it may have taken in. */
async function told<R>(
  { context, batch, options }: Session<R>,
  id: Json | undefined,
  reached: Prepared[],
  lost: ReadonlySet<string>,
): Promise<WriteOutcome[]> {
  if (reached.length === 0) return []
  let outcomes: WriteOutcome[]
  try {
    const { caller, settings } = context
    const answer = await finished(
      { caller, settings, job: batch.job },
      { id: id ?? null, at: systemClock.now().getTime() },
      options,
    )
    outcomes = batchOutcomes(batch, reached, answer, context) ?? []
  } catch (error) {
    const doubt = doubtful(error)
    return reached.map(({ item }) => failedOutcome(item.ref, doubt))
  }
  return outcomes.map((outcome) =>
    outcome.status === 'unknown' && lost.has(outcome.ref) ? notArrived(outcome.ref, context.stream) : outcome,
  )
}

const notArrived = (ref: string, stream: string): WriteOutcome =>
  failedOutcome(
    ref,
    new CausewayError('CSW-3006', {
      what: `A record of ${stream} was sent into a session that ended without it.`,
      fix: 'Nothing: it is sent again in the next one.',
    }),
  )
