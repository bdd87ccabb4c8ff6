/** Writing many records in one call: what stands for each, what the answer says of each, and what is refused as a whole cut in two. */
import {
  asCausewayError,
  CausewayError,
  isObject,
  type Json,
  type JsonObject,
  spellWithTexts,
} from '../../core/index.ts'
import type { JobNote, WriteOutcome, WriteRequest } from '../contract.ts'
import type { Answer } from './answer.ts'
import { batchOutcomes, markOf } from './batch-outcomes.ts'
import { isTooLarge, runWriteJob, wouldClear } from './job-write.ts'
import { failedOutcome } from './outcome.ts'
import { inPool } from './pool.ts'
import type { BatchSpec, WriteOperationSpec } from './write-fields.ts'
import { sendInSession, withSecrets } from './write-session.ts'
import type { RecordWriter } from './write-single.ts'
import { readBefore } from './write-steps.ts'
import type { Prepared, WriterContext } from './writer.ts'

/** Writes records without the call for very many, one after the other or in smaller batches. */
type Plainly<R> = (
  operation: WriteOperationSpec<R>,
  request: WriteRequest,
  records: Prepared[],
) => Promise<WriteOutcome[]>

export class BatchWriter<R> {
  private readonly context: WriterContext<R>
  private readonly records: RecordWriter<R>
  private readonly plainly: Plainly<R>

  constructor(context: WriterContext<R>, records: RecordWriter<R>, plainly: Plainly<R>) {
    this.context = context
    this.records = records
    this.plainly = plainly
  }

  /** One call for many. Where they are read just before, a change in between costs one more try. */
  async write(
    operation: WriteOperationSpec<R>,
    batch: BatchSpec<R>,
    request: WriteRequest,
    chunk: Prepared[],
    tries = operation.before && !batch.job ? 2 : 1,
  ): Promise<WriteOutcome[]> {
    const { ready, gone } = await this.readTogether(operation, chunk, request.signal)
    const outcomes = await this.batchOnce(operation, batch, request, ready)
    const settled = outcomes.filter(({ status }) => status !== 'conflict' || tries === 1)
    if (settled.length === outcomes.length) return [...gone, ...outcomes]
    const done = new Set(settled.map(({ ref }) => ref))
    const again = ready.filter(({ item }) => !done.has(item.ref))
    return [...gone, ...settled, ...(await this.write(operation, batch, request, again, tries - 1))]
  }

  /** A call that is refused as a whole is split until the record that spoils it stands alone. */
  private async batchOnce(
    operation: WriteOperationSpec<R>,
    batch: BatchSpec<R>,
    request: WriteRequest,
    chunk: Prepared[],
  ): Promise<WriteOutcome[]> {
    const { items, sent, unfit: unwritable, apart } = this.batchItems(batch, chunk)
    const unfit = [...unwritable, ...(await this.sentApart(operation, batch, request, apart))]
    if (sent.length === 0) return unfit
    if (batch.job && isTooLarge(batch.job, items))
      return [...unfit, ...(await this.halves(operation, batch, request, sent))]
    let answer: Answer | WriteOutcome[]
    try {
      answer = await this.sendTogether(operation, batch, request, sent, items)
    } catch (error) {
      return [...unfit, ...sent.map(({ item }) => failedOutcome(item.ref, asCausewayError(error)))]
    }
    if (Array.isArray(answer)) return [...unfit, ...(await this.linkedAll(operation, request, sent, answer))]
    const outcomes = batchOutcomes(batch, sent, answer, this.context)
    if (outcomes) return [...unfit, ...(await this.linkedAll(operation, request, sent, outcomes))]
    const failure = answer.failure!
    // What is refused before a job starts may be the job, not the records.
    if (batch === operation.bulk && NOT_STARTED.has(failure.code) && this.isPlain(operation))
      return [...unfit, ...(await this.plainly(operation, request, sent))]
    // A session that cannot be opened says nothing of its records.
    const split = sent.length > 1 && SPLITTABLE.has(failure.code) && !batch.job?.each
    if (split) return [...unfit, ...(await this.halves(operation, batch, request, sent))]
    return [...unfit, ...sent.map(({ item }) => failedOutcome(item.ref, failure))]
  }

  /** The call of a batch, with the job or the session it begins; a session tells the outcomes itself. */
  private async sendTogether(
    operation: WriteOperationSpec<R>,
    batch: BatchSpec<R>,
    request: WriteRequest,
    sent: Prepared[],
    items: Json[],
  ): Promise<Answer | WriteOutcome[]> {
    const { caller, settings } = this.context
    const options = this.records.options(operation, batch, request, false)
    const scope = { items, ids: sent.map(({ item }) => item.id), settings }
    const { job } = batch
    if (!job) return caller.call(batch, scope, options)
    return withSecrets(this.context, job, options, async (made) => {
      const whole = { ...scope, ...made }
      // Nothing is written before the start.
      const harmless = job.close !== undefined || job.each !== undefined
      const opened = await caller.call(batch, whole, harmless ? { ...options, idempotent: true } : options)
      if (opened.failure) return opened
      const by = batch === operation.bulk ? 'bulk' : 'batch'
      const notes = (begun: Pick<JobNote, 'id' | 'at'>) => notesOf(operation, batch, sent, { ...begun, by })
      const keep = async (begun: Pick<JobNote, 'id' | 'at'>) => request.onJob?.(notes(begun))
      if (!job.each) return runWriteJob({ caller, settings, job }, opened, whole, options, keep)
      return sendInSession(
        { context: this.context, batch: { ...batch, job }, opened, scope: whole, options },
        sent,
        items,
      )
    })
  }

  /** What `before` reads of the records of a batch; those that cannot be written are told apart. */
  private async readTogether({ before }: WriteOperationSpec<R>, chunk: Prepared[], signal: AbortSignal) {
    if (!before) return { ready: chunk, gone: [] }
    const ready: Prepared[] = []
    const gone: WriteOutcome[] = []
    try {
      const items = chunk.map(({ item }) => item)
      const found = await readBefore(this.context, before, items, signal)
      for (const prepared of chunk) {
        const read = found.get(prepared.item.ref)!
        if ('failure' in read) gone.push(failedOutcome(prepared.item.ref, read.failure))
        else ready.push({ ...prepared, scope: { ...prepared.scope, current: read.current } })
      }
      return { ready, gone }
    } catch (error) {
      return { ready: [], gone: chunk.map(({ item }) => failedOutcome(item.ref, asCausewayError(error))) }
    }
  }

  private async linkedAll(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    sent: Prepared[],
    outcomes: WriteOutcome[],
  ): Promise<WriteOutcome[]> {
    if (!operation.after) return outcomes
    const byRef = new Map(sent.map((prepared) => [prepared.item.ref, prepared]))
    return inPool(outcomes, this.context.concurrent, (outcome) =>
      this.records.linked(operation, request, byRef.get(outcome.ref)!, outcome),
    )
  }

  /** What stands for each record in the call. One that cannot be written down does not keep the others from being sent. */
  private batchItems({ item, job, json_text }: BatchSpec<R>, chunk: Prepared[]) {
    const items: Json[] = []
    const sent: Prepared[] = []
    const apart: Prepared[] = []
    const unfit: WriteOutcome[] = []
    for (const prepared of chunk) {
      try {
        const made = item.evaluate({ ...prepared.scope, index: items.length }) as Json
        const one = json_text === undefined ? made : writtenAsText(made, json_text)
        if (job && wouldClear(job, one)) {
          apart.push(prepared)
          continue
        }
        items.push(one)
        sent.push(prepared)
      } catch (error) {
        unfit.push(failedOutcome(prepared.item.ref, asCausewayError(error)))
      }
    }
    return { items, sent, unfit, apart }
  }

  /** Records that the upload of a job would falsify. */
  private async sentApart(
    operation: WriteOperationSpec<R>,
    batch: BatchSpec<R>,
    request: WriteRequest,
    apart: Prepared[],
  ): Promise<WriteOutcome[]> {
    if (apart.length === 0) return []
    if (batch === operation.bulk && this.isPlain(operation)) return this.plainly(operation, request, apart)
    const error = new CausewayError('CSW-2007', {
      what: `A field of a record of ${this.context.stream} holds the text "${batch.job?.upload?.none}", which the system takes for a field to clear.`,
      fix: 'Map the field to another text, or to null where it is to be cleared.',
    })
    return apart.map(({ item }) => failedOutcome(item.ref, error))
  }

  private async halves(
    operation: WriteOperationSpec<R>,
    batch: BatchSpec<R>,
    request: WriteRequest,
    chunk: Prepared[],
  ): Promise<WriteOutcome[]> {
    const middle = Math.ceil(chunk.length / 2)
    const first = await this.batchOnce(operation, batch, request, chunk.slice(0, middle))
    return [...first, ...(await this.batchOnce(operation, batch, request, chunk.slice(middle)))]
  }

  /** Whether there is another way than the call for very many. */
  private isPlain(operation: WriteOperationSpec<R>): boolean {
    return operation.batch !== undefined || this.context.caller.defined(operation)
  }
}

/** Not by an expression: its functions see a number that no double can hold as a text. */
function writtenAsText(item: Json, member: string): Json {
  if (!isObject(item) || !(member in item)) return item
  return { ...(item as JsonObject), [member]: spellWithTexts((item as JsonObject)[member]!).toString() }
}

/** What must be known of each record to learn its outcome later. */
const notesOf = <R>(
  { after, apart }: WriteOperationSpec<R>,
  batch: BatchSpec<R>,
  sent: Prepared[],
  job: Pick<JobNote, 'id' | 'at' | 'by'>,
): ReadonlyMap<string, JobNote> =>
  new Map(
    sent.map((prepared, place) => {
      const { ref, values } = prepared.item
      const links = after !== undefined && (apart === undefined || apart.some((name) => name in values))
      const mark = markOf(batch, prepared, place) ?? null
      return [ref, { ...job, mark, place, of: sent.length, ...(links ? { links } : {}) }]
    }),
  )

/** Answers to a job that was not begun: refused, forbidden, or not there at all. */
const NOT_STARTED = new Set<string>(['CSW-3004', 'CSW-3008', 'CSW-3009', 'CSW-3013', 'CSW-3017'])

/** Failures that one record can cause for all others of its batch; nothing was done. */
const SPLITTABLE = new Set<string>(['CSW-3008', 'CSW-3009', 'CSW-3013', 'CSW-3017'])
