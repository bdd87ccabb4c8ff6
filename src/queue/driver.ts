import type { IQueueBackend, Processor, Queue, Worker } from 'bullmq'
import type { WorkKind } from './contract.ts'
import type { JobData } from './job.ts'

type BullQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend>

/** The part of BullMQ's queue that we use; picked, because its type differs per backend in parts that we do not. */
export type JobQueue = Pick<BullQueue, 'add' | 'addBulk' | 'getJobCounts' | 'getWorkersCount' | 'close'> & {
  on(event: 'error', listener: (error: Error) => void): unknown
  getBackend(): Pick<IQueueBackend, 'getClientList'>
}

/** The part of BullMQ's worker that we use. */
type JobWorker = Pick<Worker<JobData, void>, 'cancelJob' | 'close'> & {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'lockRenewalFailed', listener: (jobIds: string[]) => void): unknown
}

export type JobProcessor = Processor<JobData, void, string>

/** What differs between Postgres and Redis. It owns every connection that the queue uses. */
export type Driver = {
  readonly name: 'postgres' | 'redis'
  queue(kind: WorkKind): JobQueue
  worker(kind: WorkKind, processor: JobProcessor, concurrency: number): JobWorker
  /** Makes known, as far as the backend has a way, which kinds this process works on now. */
  announce(kinds: WorkKind[]): Promise<void>
  /** How many live processes work on a kind. */
  workerCount(kind: WorkKind, queue: JobQueue): Promise<number>
  ping(): Promise<void>
  close(): Promise<void>
}
