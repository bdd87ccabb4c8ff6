/** Writing by a job: created, filled, closed, waited for, and its results told apart record by record. */
import { CausewayError, type Json, systemClock } from '../../core/index.ts'
import { type Answer, answerScope, type Caller, type CallOptions, type ParseBody } from './answer.ts'
import { archiveReader } from './archive.ts'
import { isTrue } from './errors.ts'
import { LONGEST_WAIT_MS, polled } from './poll.ts'
import { listOf } from './read-checks.ts'
import { fileOf, holdsNone, rowsParser } from './rows.ts'
import type { Listing, Uploading, WriteJob } from './write-job-fields.ts'

/** The little of a request that an upload replaces. */
type Sent = { body?: { text: string; type: string } }

export type JobContext<R> = {
  caller: Caller<R>
  settings: unknown
  job: WriteJob<R>
}
/** A job as it is kept: its name there, and when it was begun. */
type Begun = { id: Json; at: number }

const TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson', json: 'application/json' } as const

/**
 * Does the work of a job that `created` has begun. Gives an answer whose `response` holds `status` and the outcomes. Failures
 * before the start are those of the requests; later ones are CSW-3012.
 */
export async function runWriteJob<R>(
  { caller, settings, job }: JobContext<R>,
  created: Answer,
  scope: Record<string, unknown>,
  options: CallOptions,
  keep: (begun: Begun) => Promise<void>,
): Promise<Answer> {
  const id = (job.id?.evaluate(answerScope(created, settings)) ?? null) as Json
  const begun = { id, at: created.requestedAt.getTime() }
  const names = { ...scope, job: { id } }
  if (job.upload) {
    const sent = uploadOf(job.upload, scope)
    const uploaded = await caller.call(job.upload, names, { ...options, ...sent, ...(job.close ? ONCE : {}) })
    if (uploaded.failure) return job.close ? notStarted(uploaded) : uploaded
  }
  // Without a request that starts it, it is under way already.
  if (job.close) await keep(begun)
  try {
    if (!job.close) await keep(begun)
    else {
      const closed = await caller.call(job.close, names, { ...options, ...ONCE })
      if (closed.failure && REFUSED.has(closed.failure.code)) return closed
      if (closed.failure) throw closed.failure
    }
    return await finished({ caller, settings, job }, begun, options)
  } catch (error) {
    throw doubtful(error)
  }
}

/** What is uploaded or started twice is refused there, and that would pass for a refusal of the records, or of the start. */
const ONCE = { idempotent: false, repeat: false } as const

/**
 * Waits for a job that was begun before, and starts it where that may not have been done. Null where it can tell nothing: it is
 * forgotten there, or failed as a whole. Throws what keeps it from being asked.
 */
export async function finishWriteJob<R>(
  { caller, settings, job }: JobContext<R>,
  begun: Begun,
  options: CallOptions,
): Promise<Answer | null> {
  const names = { job: { id: begun.id }, settings }
  try {
    const asked = await caller.call(job.status, names, { signal: options.signal, purpose: 'read', notFound: 'record' })
    if (asked.failure) throw asked.failure
    if (job.close && !isTrue(job.done.evaluate(answerScope(asked, settings)))) {
      const closed = await caller.call(job.close, { ...names, items: [], ids: [], steps: {}, secret: {} }, options)
      // A job that was started before refuses it; the status tells.
      if (closed.failure && !REFUSED.has(closed.failure.code)) throw closed.failure
    }
    return await finished({ caller, settings, job }, begun, options)
  } catch (error) {
    if (!(error instanceof CausewayError)) throw error
    if (error.code === 'CSW-3009' || error.code === 'CSW-3016') return null
    // What is larger than may be read stays so; what takes longer than it may is for a person. Neither may hold up all others.
    const late = systemClock.now().getTime() - begun.at + LONGEST_WAIT_MS > job.deadline_seconds * 1000
    const ofTheJob = late && !options.signal.aborted && !OF_THE_CONNECTION.has(error.code)
    throw ofTheJob || error.code === 'CSW-3011' ? doubtful(error) : error
  }
}

const REFUSED: ReadonlySet<string> = new Set(['CSW-3008', 'CSW-3009', 'CSW-3013'])

/** Not reached, not logged in, asked to wait, not allowed to dial, known to be down: every other call would fail alike. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['CSW-3001', 'CSW-3003', 'CSW-3005', 'CSW-3010', 'CSW-3022'])

/** Whether an upload would clear a field of the item that has a text. */
export const wouldClear = <R>({ upload }: WriteJob<R>, item: Json): boolean =>
  upload?.as === 'csv' && upload.none !== undefined && holdsNone(item, upload.none)

/** Whether the text that an upload would carry is larger than the system takes. */
export function isTooLarge<R>({ upload }: WriteJob<R>, items: readonly Json[]): boolean {
  if (!upload?.max_mb || upload.as === 'body' || items.length < 2) return false
  return Buffer.byteLength(fileOf(items, upload.as, upload.delimiter, upload.none)) > upload.max_mb * 1_000_000
}

/** Nothing is worked off before the start, so a lost answer to an upload is no doubt. */
function notStarted(answer: Answer): Answer {
  if (answer.failure?.code !== 'CSW-3012') return answer
  return { ...answer, failure: new CausewayError('CSW-3006', { what: answer.failure.message, cause: answer.failure }) }
}

function uploadOf({ as, delimiter, none }: Uploading, { items }: Record<string, unknown>): Sent {
  return as === 'body' ? {} : { body: { text: fileOf(items as Json[], as, delimiter, none), type: TYPES[as] } }
}

const asItIs: ParseBody = ({ body, malformedText }) =>
  malformedText ? { fault: 'its text is not valid in its character set' } : { value: body }

/** How the answer of a request for outcomes is fetched and read. */
function readingOf({ as, delimiter, json_text, signed }: Listing): Partial<CallOptions> {
  const aside = signed ? { signed } : {}
  if (as === 'archive') return { ...aside, unpack: archiveReader(json_text) }
  const parse = as === 'text' ? asItIs : rowsParser(as, delimiter)
  return parse ? { ...aside, parse } : aside
}

/** One after the other: these are few, and the system is under its limits. */
async function askEach(items: readonly Json[], ask: (item: Json) => Promise<Json>): Promise<Json[]> {
  const answers: Json[] = []
  for (const item of items) answers.push({ item, answer: await ask(item) })
  return answers
}

/** Waits for the end of a job, and asks for its outcomes. Throws whatever keeps it from knowing them. */
export async function finished<R>({ caller, settings, job }: JobContext<R>, { id, at }: Begun, options: CallOptions) {
  const asking: CallOptions = { signal: options.signal, purpose: 'read' }
  const polling = polled({
    caller,
    settings,
    spec: job,
    job: id,
    startedAt: at,
    signal: options.signal,
  })
  let step = await polling.next()
  while (!step.done) step = await polling.next()
  const status = step.value
  const names = { job: { id, answer: status.response }, settings }
  const response: Record<string, Json> = { status: status.response ?? null }
  for (const [name, request] of Object.entries(job.outcomes ?? {})) {
    const reading = { ...asking, ...readingOf(request) }
    const ask = async (scope: Record<string, unknown>): Promise<Json> => {
      const answer = await caller.call(request, scope, reading)
      if (answer.failure) throw answer.failure
      return answer.response ?? []
    }
    response[name] = request.each
      ? await askEach(listOf(request.each.evaluate({ response, settings })), (item) => ask({ ...names, item }))
      : await ask(names)
  }
  return { ...status, response: response as Json }
}

/** Whatever breaks after the start: the records may be written or not. */
export function doubtful(error: unknown): CausewayError {
  const message = error instanceof Error ? error.message : String(error)
  return new CausewayError('CSW-3012', {
    what: `A job was started there, and what became of its records is not known: ${message}`,
    cause: error,
  })
}
