/** Writing records: prepares them, cuts batches, sends them, and tells the outcome of each. */
import { asCausewayError, CausewayError, type Json, type JsonObject, type JsonText } from '../../core/index.ts'
import type { FinishRequest, JobNote, RecordSchema, WriteItem, WriteOutcome, WriteRequest } from '../contract.ts'
import { asText, type Scope } from '../language/index.ts'
import { usableId } from '../manifest/record.ts'
import { type Answer, answerScope, type Caller, type CallOptions } from './answer.ts'
import { batchOutcomes, markOf } from './batch-outcomes.ts'
import { documentOf } from './document.ts'
import { finishJobs } from './finish-jobs.ts'
import { isTooLarge, runWriteJob, wouldClear } from './job-write.ts'
import { failedOutcome } from './outcome.ts'
import { passesValues } from './pass-through.ts'
import { chunksOf, inPool } from './pool.ts'
import type { BatchSpec, WriteOperationSpec, WriteSpec } from './write-fields.ts'
import { sendInSession, withSecrets } from './write-session.ts'
import { readBefore, sendAfter } from './write-steps.ts'

export type WriterContext<R> = {
  stream: string
  write: WriteSpec<R>
  caller: Caller<R>
  settings: JsonObject
  concurrent: number
  writeSchema?: RecordSchema | undefined
  /** Keeps secrets that were made out of all that is logged and kept, until the function it gives is called. */
  hide?: (secrets: readonly string[]) => () => void
  /** Turns values into what the protocol sends (typed values of an RPC). */
  encode?: (values: JsonObject) => JsonObject
  /** Whether bodies may hold values as the text they are (`spellWithTexts`). */
  texts?: boolean
  /** Sends an operation whose record has contents. Absent where the protocol has none. */
  sendContent?: (operation: WriteOperationSpec<R>, prepared: Prepared, options: CallOptions) => Promise<Answer>
  /** Ids of the records of the stream that hold the value. */
  idsBy?: (field: string, value: string, signal: AbortSignal) => Promise<string[]>
}

/** A record with everything its expressions may refer to. */
export type Prepared = { item: WriteItem; scope: Scope; index: number; job?: JobNote }

export class Writer<R> {
  private readonly context: WriterContext<R>

  constructor(context: WriterContext<R>) {
    this.context = context
  }

  /** Outcomes come in the order of the items; nothing is thrown for a record or a call that fails. */
  async write(request: WriteRequest): Promise<WriteOutcome[]> {
    const operation = this.context.write[request.operation]
    if (!operation)
      throw new CausewayError('CSW-2003', { what: `The stream ${this.context.stream} offers no ${request.operation}.` })
    const used = new Set([operation, operation.batch ?? {}, operation.bulk ?? {}].flatMap((part) => [...names(part)]))
    const outcomes = new Map<string, WriteOutcome>()
    const prepared: Prepared[] = []
    for (const [index, item] of request.items.entries()) {
      try {
        prepared.push({ item, index, scope: this.scopeOf(operation, item, used) })
      } catch (error) {
        outcomes.set(item.ref, failedOutcome(item.ref, asCausewayError(error)))
      }
    }
    const tasks = this.tasks(operation, request, prepared)
    for (const group of await inPool(tasks, this.context.concurrent, (task) => task()))
      for (const outcome of group) outcomes.set(outcome.ref, outcome)
    return request.items.map((item) => outcomes.get(item.ref)!)
  }

  /** Waits for jobs that an earlier call began; items of which no job can tell anything are missing from the answer. */
  finish(request: FinishRequest): Promise<WriteOutcome[]> {
    const operation = this.context.write[request.operation]
    return operation ? finishJobs(this.context, operation, request) : Promise.resolve([])
  }

  private tasks(operation: WriteOperationSpec<R>, request: WriteRequest, prepared: Prepared[]): Task[] {
    const { bulk } = operation
    if (!bulk) return this.plainTasks(operation, request, prepared)
    const above = Number(bulk.above.evaluate({ settings: this.context.settings }))
    const many = chunksOf(
      prepared.filter(({ item }) => !(item.content && operation.content)),
      bulk.size,
    ).filter((chunk) => chunk.length > above)
    const together = new Set(many.flat())
    const few = prepared.filter((one) => !together.has(one))
    const large = many.map((chunk) => () => this.batch(operation, bulk, request, chunk))
    return few.length === 0 ? large : [...large, ...this.plainTasks(operation, request, few)]
  }

  private plainTasks(operation: WriteOperationSpec<R>, request: WriteRequest, prepared: Prepared[]): Task[] {
    const { batch } = operation
    const single = (one: Prepared) => async () => [await this.single(operation, request, one)]
    const offersSingle = this.context.caller.defined(operation)
    // Contents travel one by one; so does a lone record where there is a call for it.
    const alone = prepared.filter(({ item }) => (item.content && operation.content) || !batch)
    if (!batch) return alone.map(single)
    const apart = new Set(alone)
    const together = prepared.filter((one) => !apart.has(one))
    if (together.length === 1 && offersSingle) return [...alone, ...together].map(single)
    const batches = chunksOf(together, batch.size)
    return [...alone.map(single), ...batches.map((chunk) => () => this.batch(operation, batch, request, chunk))]
  }

  private scopeOf(operation: WriteOperationSpec<R>, item: WriteItem, used: ReadonlySet<string>): Scope {
    const values = this.valuesOf(operation, item)
    const { settings, writeSchema } = this.context
    return {
      values,
      ...(operation.document ? { document: documentOf(operation.document, { values, settings }, writeSchema) } : {}),
      ref: item.ref,
      idempotency_key: item.idempotencyKey,
      settings,
      id: item.id,
      key: item.key,
      version: item.ifVersion,
      known: item.known,
      // Copying every record would cost more than all the rest here, and few manifests ask for it.
      ...(used.has('record') ? { record: operation.partial === false ? values : { ...item.known, ...values } } : {}),
    }
  }

  private valuesOf(operation: WriteOperationSpec<R>, item: WriteItem): JsonObject | JsonText {
    const { encode, texts } = this.context
    if (texts && item.text && !item.content && !operation.apart && !operation.document && passesValues(operation))
      return item.text
    const whole = operation.partial === false ? { ...item.known, ...item.values } : item.values
    const values = withNulls(without(whole, operation.apart), operation.nulls)
    return encode ? encode(values) : values
  }

  private async single(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    prepared: Prepared,
  ): Promise<WriteOutcome> {
    const { item } = prepared
    try {
      return await this.sent(operation, request, prepared, operation.before ? 2 : 1)
    } catch (error) {
      return failedOutcome(item.ref, asCausewayError(error))
    }
  }

  /** Sends one record. Where it is read just before, a change in between costs one more try. */
  private async sent(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    given: Prepared,
    tries: number,
  ): Promise<WriteOutcome> {
    const { item } = given
    let prepared = given
    if (operation.before) {
      const read = (await readBefore(this.context, operation.before, [item], request.signal)).get(item.ref)!
      if ('failure' in read) return failedOutcome(item.ref, read.failure)
      prepared = { ...given, scope: { ...given.scope, current: read.current } }
    }
    const outcome = this.nothingButApart(operation, item) ?? (await this.sentOnce(operation, request, prepared))
    if (outcome.status === 'conflict' && tries > 1) return this.sent(operation, request, given, tries - 1)
    return this.linked(operation, request, given, outcome)
  }

  /** An update whose changes all travel apart needs no request of its own. */
  private nothingButApart(
    operation: WriteOperationSpec<R>,
    { ref, id, values, content }: WriteItem,
  ): WriteOutcome | null {
    const { apart } = operation
    if (!apart || id === undefined || content || !Object.keys(values).every((name) => apart.includes(name))) return null
    return { ref, status: 'written', id }
  }

  /** Sends what links a record that was written. */
  private async linked(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    { item }: Prepared,
    outcome: WriteOutcome,
  ): Promise<WriteOutcome> {
    if (!operation.after || outcome.status !== 'written') return outcome
    const scope = { values: item.values, known: item.known, id: outcome.id, ref: item.ref, key: item.key }
    const options = this.options(operation, operation, request, false)
    const failure = await sendAfter(this.context, operation.after, scope, options).catch(asCausewayError)
    if (!failure) return outcome
    // The record exists. Trying a create again would make a second one; found, it is completed by an update.
    return request.operation === 'create'
      ? { ref: item.ref, status: 'unknown', error: failure }
      : failedOutcome(item.ref, failure)
  }

  private async sentOnce(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    prepared: Prepared,
  ): Promise<WriteOutcome> {
    const { item, scope } = prepared
    try {
      const conditional =
        (item.ifVersion !== undefined && names(operation).has('version')) || operation.before !== undefined
      const options = this.options(operation, operation, request, conditional)
      const { sendContent } = this.context
      const answer =
        item.content && operation.content && sendContent
          ? await sendContent(operation, prepared, options)
          : await this.context.caller.call(operation, scope, options)
      if (answer.failure) return failedOutcome(item.ref, answer.failure)
      const outcome = this.written(operation, item, answer)
      return operation.id_from_lookup ? await this.identified(item, outcome, request.signal) : outcome
    } catch (error) {
      return failedOutcome(item.ref, asCausewayError(error))
    }
  }

  private options(
    operation: WriteOperationSpec<R>,
    sent: object,
    request: WriteRequest,
    conditional: boolean,
  ): CallOptions {
    const create = request.operation === 'create'
    return {
      signal: request.signal,
      purpose: 'write',
      notFound: create ? 'address' : 'record',
      idempotent: operation.idempotent ?? (!create || names(sent).has('idempotency_key')),
      conditional,
      ...(request.maySend ? { maySend: request.maySend } : {}),
      ...(request.onExchange ? { onExchange: request.onExchange } : {}),
    }
  }

  private written(operation: WriteOperationSpec<R>, item: WriteItem, answer: Answer): WriteOutcome {
    const scope = answerScope(answer, this.context.settings)
    const id = usableId(operation.id?.evaluate(scope)) ?? locationId(operation, answer) ?? item.id ?? null
    if (id === null) return { ref: item.ref, status: 'unknown', error: noId(this.context.stream) }
    const version = operation.version?.evaluate(scope)
    const body = operation.returned?.evaluate(scope)
    return {
      ref: item.ref,
      status: 'written',
      id,
      ...(version === undefined || version === null ? {} : { version: asText(version) }),
      ...(body === undefined || body === null ? {} : { body: body as JsonObject }),
    }
  }

  /** Looks up what an upsert has written without saying its id; two records with one key leave it unknown. */
  private async identified({ ref, key }: WriteItem, outcome: WriteOutcome, signal: AbortSignal): Promise<WriteOutcome> {
    if (outcome.status !== 'unknown' || !key) return outcome
    const [id, another] = (await this.context.idsBy?.(key.field, key.value, signal)) ?? []
    return id === undefined || another !== undefined ? outcome : { ref, status: 'written', id }
  }

  /** One call for many. Where they are read just before, a change in between costs one more try. */
  private async batch(
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
    return [...gone, ...settled, ...(await this.batch(operation, batch, request, again, tries - 1))]
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
      return [...unfit, ...(await inOrder(this.plainTasks(operation, request, sent)))]
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
    const options = this.options(operation, batch, request, false)
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
      const keep = async (begun: Pick<JobNote, 'id' | 'at'>) => request.onJob?.(notesOf(batch, sent, { ...begun, by }))
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
      this.linked(operation, request, byRef.get(outcome.ref)!, outcome),
    )
  }

  /** What stands for each record in the call. One that cannot be written down does not keep the others from being sent. */
  private batchItems({ item, job }: BatchSpec<R>, chunk: Prepared[]) {
    const items: Json[] = []
    const sent: Prepared[] = []
    const apart: Prepared[] = []
    const unfit: WriteOutcome[] = []
    for (const prepared of chunk) {
      try {
        const one = item.evaluate({ ...prepared.scope, index: items.length }) as Json
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
    if (batch === operation.bulk && this.isPlain(operation)) return inOrder(this.plainTasks(operation, request, apart))
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

type Task = () => Promise<WriteOutcome[]>

async function inOrder(tasks: Task[]): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = []
  for (const task of tasks) outcomes.push(...(await task()))
  return outcomes
}

/** What must be known of each record to learn its outcome later. */
const notesOf = <R>(
  batch: BatchSpec<R>,
  sent: Prepared[],
  job: Pick<JobNote, 'id' | 'at' | 'by'>,
): ReadonlyMap<string, JobNote> =>
  new Map(
    sent.map((prepared, place) => [
      prepared.item.ref,
      { ...job, mark: markOf(batch, prepared, place) ?? null, place, of: sent.length },
    ]),
  )

/** Answers to a job that was not begun: refused, forbidden, or not there at all. */
const NOT_STARTED = new Set<string>(['CSW-3004', 'CSW-3008', 'CSW-3009', 'CSW-3013', 'CSW-3017'])

/** Failures that one record can cause for all others of its batch; nothing was done. */
const SPLITTABLE = new Set<string>(['CSW-3008', 'CSW-3009', 'CSW-3013', 'CSW-3017'])

const noId = (stream: string): CausewayError =>
  new CausewayError('CSW-3012', {
    what: `The answer to a write into ${stream} does not say which record it was.`,
    fix: 'The hub looks the record up. Check `id` of the operation in the manifest.',
  })

function locationId(operation: { id_from_location?: boolean }, answer: Answer): string | null {
  if (!operation.id_from_location) return null
  const path = (answer.headers.location ?? '').split(/[?#]/, 1)[0]!.replace(/\/+$/, '')
  const last = path.slice(path.lastIndexOf('/') + 1)
  try {
    return usableId(decodeURIComponent(last))
  } catch {
    return usableId(last)
  }
}

function withNulls(values: JsonObject, nulls: 'send' | 'omit' | 'empty_text' | undefined): JsonObject {
  if (nulls === undefined || nulls === 'send' || !Object.values(values).includes(null)) return values
  const entries = Object.entries(values)
  return Object.fromEntries(
    nulls === 'omit'
      ? entries.filter(([, value]) => value !== null)
      : entries.map(([name, value]) => [name, value ?? '']),
  )
}

function without(values: JsonObject, apart: readonly string[] | undefined): JsonObject {
  return apart ? Object.fromEntries(Object.entries(values).filter(([name]) => !apart.includes(name))) : values
}

function names(sent: object): Set<string> {
  const used = new Set<string>()
  for (const value of Object.values(sent))
    for (const name of (value as { names?: ReadonlySet<string> } | undefined)?.names ?? []) used.add(name)
  return used
}
