import { CausewayError } from '../core/index.ts'
import type { Board } from './board.ts'
import {
  type Backlog,
  type BoardAnswer,
  WORK_KINDS,
  type WorkHandler,
  type Working,
  type WorkKind,
  type WorkQueue,
} from './contract.ts'
import type { Driver, JobQueue } from './driver.ts'
import { REMINDER, reminderOptions, wakeOptions } from './job.ts'
import { type QueueLog, type TroubleReport, within } from './trouble.ts'
import type { QueueTuning } from './tuning.ts'
import { startWorker } from './worker.ts'

/** One call adds at most this many jobs: on Postgres each holds an advisory lock until the call's transaction ends. */
const BATCH = 200

/** The queue contract on BullMQ. Which backend it is makes no difference here; see the drivers. */
export class BullWorkQueue implements WorkQueue {
  readonly #driver: Driver
  readonly #tuning: QueueTuning
  readonly #log: QueueLog
  readonly #trouble: TroubleReport
  readonly #queues: Map<WorkKind, JobQueue>
  readonly #workers = new Map<WorkKind, Working>()
  #board: Promise<Board> | undefined
  #closing: Promise<void> | undefined
  /** Later than `#closing`: while workers stop, what they leave undone is still put back. */
  #closed = false

  constructor(driver: Driver, tuning: QueueTuning, log: QueueLog, trouble: TroubleReport) {
    this.#driver = driver
    this.#tuning = tuning
    this.#log = log
    this.#trouble = trouble
    this.#queues = new Map(WORK_KINDS.map((kind) => [kind, driver.queue(kind)]))
    // An `error` event that nobody listens to ends the process.
    for (const queue of this.#queues.values()) queue.on('error', (error) => trouble.tell(error))
  }

  get backend(): 'postgres' | 'redis' {
    return this.#driver.name
  }

  async wake(kind: WorkKind, id: string, { delayMs = 0 }: { delayMs?: number } = {}): Promise<void> {
    await this.#call(kind, (queue) =>
      delayMs > 0
        ? queue.add(REMINDER, { id }, reminderOptions(id, delayMs, Date.now()))
        : queue.add(kind, { id }, wakeOptions(id, this.#tuning)),
    )
  }

  async wakeMany(kind: WorkKind, ids: string[]): Promise<void> {
    const distinct = [...new Set(ids)]
    for (let from = 0; from < distinct.length; from += BATCH) {
      const jobs = distinct
        .slice(from, from + BATCH)
        .map((id) => ({ name: kind, data: { id }, opts: wakeOptions(id, this.#tuning) }))
      await this.#call(kind, (queue) => queue.addBulk(jobs))
    }
  }

  async work(kind: WorkKind, handler: WorkHandler, options: { concurrency: number }): Promise<Working> {
    if (this.#closing) throw closedError()
    if (this.#workers.has(kind)) {
      throw new CausewayError('CSW-1001', { what: `This process works on "${kind}" already.` })
    }
    const worker = startWorker({
      kind,
      handler,
      concurrency: options.concurrency,
      driver: this.#driver,
      wake: (id) => this.wake(kind, id),
      log: this.#log,
      trouble: this.#trouble,
      closeTimeoutMs: this.#tuning.callTimeoutMs,
    })
    const stop: Working['stop'] = async (reason) => {
      await worker.stop(reason)
      this.#workers.delete(kind)
      await this.#announce()
    }
    this.#workers.set(kind, { stop })
    await this.#announce()
    return { stop }
  }

  async backlog(kind: WorkKind): Promise<Backlog> {
    return this.#call(kind, async (queue) => {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed')
      return {
        waiting: counts.waiting ?? 0,
        active: counts.active ?? 0,
        delayed: counts.delayed ?? 0,
        failed: counts.failed ?? 0,
        workers: await this.#driver.workerCount(kind, queue),
      }
    })
  }

  async readBoard(path: string, query: object): Promise<BoardAnswer | undefined> {
    // Most processes are never asked.
    this.#board ??= import('./board.ts').then(({ Board }) => new Board(this.#queues.values()))
    const board = await this.#board
    return this.#bounded(() => board.answer(path, query))
  }

  async ping(): Promise<boolean> {
    if (this.#closing) return false
    try {
      await within(this.#tuning.callTimeoutMs, this.#driver.ping(), () => this.#noAnswer())
      return true
    } catch {
      return false
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async #shutDown(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()))
    this.#closed = true
    const closed = Promise.all([...this.#queues.values()].map((queue) => queue.close()))
    await within(this.#tuning.callTimeoutMs, closed, () => this.#noAnswer()).catch((error) => this.#trouble.tell(error))
    const ended = this.#driver.close()
    await within(this.#tuning.callTimeoutMs, ended, () => this.#noAnswer()).catch((error) => this.#trouble.tell(error))
  }

  /** Best effort: without it the work is done all the same, only the count of workers is too low. */
  async #announce(): Promise<void> {
    const announced = this.#driver.announce([...this.#workers.keys()])
    await within(this.#tuning.callTimeoutMs, announced, () => this.#noAnswer()).catch((error) =>
      this.#trouble.tell(error),
    )
  }

  /** A call to the backend of one kind: bounded in time, and CSW-7001 whatever the client library threw. */
  async #call<T>(kind: WorkKind, action: (queue: JobQueue) => Promise<T>): Promise<T> {
    const queue = this.#queues.get(kind)
    if (!queue) throw new CausewayError('CSW-1001', { what: `There is no kind of work called "${kind}".` })
    return this.#bounded(() => action(queue))
  }

  async #bounded<T>(action: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError()
    try {
      return await within(this.#tuning.callTimeoutMs, action(), () => this.#noAnswer())
    } catch (error) {
      if (error instanceof CausewayError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new CausewayError('CSW-7001', { what: `The queue (${this.backend}) refused: ${reason}`, cause: error })
    }
  }

  #noAnswer(): CausewayError {
    const seconds = this.#tuning.callTimeoutMs / 1000
    return new CausewayError('CSW-7001', { what: `The queue (${this.backend}) did not answer within ${seconds} s.` })
  }
}

const closedError = () => new CausewayError('CSW-7004', { what: 'The queue of this process is closed.' })
