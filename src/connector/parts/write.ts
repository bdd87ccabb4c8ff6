/** Writing records: prepares them, chooses the call for each, and tells the outcome of each. */
import { CausewayError } from '../../core/index.ts'
import type { FinishRequest, WriteOutcome, WriteRequest } from '../contract.ts'
import { finishJobs } from './finish-jobs.ts'
import { chunksOf, inPool } from './pool.ts'
import { BatchWriter } from './write-batch.ts'
import type { WriteOperationSpec } from './write-fields.ts'
import { RecordWriter } from './write-single.ts'
import { preparedOf } from './write-values.ts'
import type { Prepared, WriterContext } from './writer.ts'

export class Writer<R> {
  private readonly context: WriterContext<R>
  private readonly records: RecordWriter<R>
  private readonly batches: BatchWriter<R>

  constructor(context: WriterContext<R>) {
    this.context = context
    this.records = new RecordWriter(context)
    this.batches = new BatchWriter(context, this.records, (...given) => inOrder(this.plainTasks(...given)))
  }

  /** Outcomes come in the order of the items; nothing is thrown for a record or a call that fails. */
  async write(request: WriteRequest): Promise<WriteOutcome[]> {
    const operation = this.context.write[request.operation]
    if (!operation)
      throw new CausewayError('CSW-2003', { what: `The stream ${this.context.stream} offers no ${request.operation}.` })
    const { prepared, unfit } = preparedOf(this.context, operation, request.items)
    const outcomes = new Map(unfit.map((outcome) => [outcome.ref, outcome]))
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
    const large = many.map((chunk) => () => this.batches.write(operation, bulk, request, chunk))
    return few.length === 0 ? large : [...large, ...this.plainTasks(operation, request, few)]
  }

  private plainTasks(operation: WriteOperationSpec<R>, request: WriteRequest, prepared: Prepared[]): Task[] {
    const { batch } = operation
    const single = (one: Prepared) => async () => [await this.records.write(operation, request, one)]
    const offersSingle = this.context.caller.defined(operation)
    // Contents travel one by one; so does a lone record where there is a call for it.
    const alone = prepared.filter(({ item }) => (item.content && operation.content) || !batch)
    if (!batch) return alone.map(single)
    const apart = new Set(alone)
    const together = prepared.filter((one) => !apart.has(one))
    if (together.length === 1 && offersSingle) return [...alone, ...together].map(single)
    const batches = chunksOf(together, batch.size)
    return [...alone.map(single), ...batches.map((chunk) => () => this.batches.write(operation, batch, request, chunk))]
  }
}

type Task = () => Promise<WriteOutcome[]>

async function inOrder(tasks: Task[]): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = []
  for (const task of tasks) outcomes.push(...(await task()))
  return outcomes
}
