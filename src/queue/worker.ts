import type { Job } from 'bullmq'
import { afterQueue, asCausewayError, ProcessStops } from '../core/index.ts'
import type { WorkHandler, Working, WorkKind } from './contract.ts'
import type { Driver } from './driver.ts'
import { isJobData, type JobData, REMINDER } from './job.ts'
import { type QueueLog, type TroubleReport, within } from './trouble.ts'

type WorkerParts = {
  kind: WorkKind
  handler: WorkHandler
  concurrency: number
  driver: Driver
  wake: (id: string) => Promise<void>
  log: QueueLog
  trouble: TroubleReport
  /** How long the backend may take to let go of a worker whose handlers are done. */
  closeTimeoutMs: number
}

/** Takes jobs of one kind until stopped. No failure of a handler or of the backend leaves it. */
export function startWorker(parts: WorkerParts): Working {
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()
  // The third parameter must stand in the signature: BullMQ counts parameters to decide whether to make a signal.
  const processor = async (job: Job<JobData, void>, _token: string | undefined, signal: AbortSignal | undefined) => {
    const run = runJob(parts, job, AbortSignal.any(signal ? [signal, stopping.signal] : [stopping.signal]))
    running.add(run)
    await run.finally(() => running.delete(run))
  }
  const worker = parts.driver.worker(parts.kind, processor, parts.concurrency)
  worker.on('error', (error) => parts.trouble.tell(error))
  // Somebody else may have the job by now. The ledger's fencing keeps the loser from writing; this saves it the effort.
  worker.on('lockRenewalFailed', (jobIds: string[]) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'the job was taken over')
  })
  return {
    async stop(reason = new ProcessStops(0)) {
      const closed = worker.close()
      // Not BullMQ's own cancelling: a job that it has fetched but not handed to us yet would never hear of it.
      stopping.abort(reason)
      // Handlers get all the time they need; the backend does not: BullMQ waits for ever when it is away.
      while (running.size > 0) await Promise.allSettled(running)
      const late = () => new Error(`the worker for "${parts.kind}" could not sign off`)
      await within(parts.closeTimeoutMs, closed, late).catch((error) => parts.trouble.tell(error))
    },
  }
}

async function runJob(parts: WorkerParts, job: Job<JobData, void>, signal: AbortSignal): Promise<void> {
  const { kind, handler, log } = parts
  if (!isJobData(job.data)) {
    log.error({ kind, job: job.id }, 'a job without a usable id was dropped')
    return
  }
  const { id } = job.data
  // Fetched while we were told to stop: left to somebody else.
  if (job.name === REMINDER || signal.aborted) return parts.wake(id)
  try {
    // Tried again, it waited for its turn after a crash, not in the queue.
    const waitedMs = job.attemptsMade ? 0 : Date.now() - job.timestamp
    await afterQueue(waitedMs, () => handler(id, signal))
  } catch (thrown) {
    const error = asCausewayError(thrown)
    log.error({ kind, id, code: error.code, attempt: job.attemptsMade + 1, err: error }, 'a handler crashed')
    throw withoutWords(error.code)
  }
  // A handler that returned early because it was told to has work left. One more call costs little, a forgotten one a sweep.
  if (signal.aborted) await parts.wake(id).catch((error) => parts.trouble.tell(error))
}

/** What BullMQ stores of a failure: the code. Message and stack may quote what was being worked on. */
function withoutWords(code: string): Error {
  const error = new Error(code)
  error.stack = ''
  return error
}
