import type { JobsOptions } from 'bullmq'
import type { QueueTuning } from './tuning.ts'

/** All that a job carries. The queue is readable by whoever may read Redis, so no record, address or secret enters it. */
export type JobData = { id: string }

/** Name of a job that does no work itself: when due it asks for the work. */
export const REMINDER = 'later'

/** BullMQ refuses ids of digits only and gives colons a meaning; base64url behind a letter has neither. */
const encodeId = (id: string): string => `i${Buffer.from(id).toString('base64url')}`

/**
 * Options of a wake-up for now. BullMQ's deduplication keeps at most one waiting job per id, and `keepLastIfActive` puts a
 * call that comes while the id is worked on aside and queues it when that job ends, whichever way it ends.
 */
export function wakeOptions(id: string, tuning: QueueTuning): JobsOptions {
  return {
    deduplication: { id: encodeId(id), keepLastIfActive: true },
    attempts: tuning.crashAttempts,
    backoff: { type: 'exponential', delay: tuning.crashBackoffMs, jitter: 0.5 },
    removeOnComplete: true,
    removeOnFail: { count: tuning.keepFailed, age: 7 * 24 * 3600 },
    // A stack may quote what was being worked on.
    stackTraceLimit: 0,
  }
}

/**
 * Options of a wake-up for later. It is a job of its own (name `later`) that turns into a wake-up when due, because a call
 * for now must not collapse into one that waits for an hour. The id holds the due time, so equal reminders collapse.
 */
export function reminderOptions(id: string, delayMs: number, now: number): JobsOptions {
  const due = dueTime(now, delayMs)
  return {
    jobId: `later.${encodeId(id)}.${due}`,
    delay: due - now,
    attempts: 10,
    backoff: { type: 'fixed', delay: 1_000 },
    removeOnComplete: true,
    // A kept job would block its id.
    removeOnFail: true,
    stackTraceLimit: 0,
  }
}

/**
 * The due time, rounded up by at most an eighth of the delay. Callers ask again after each run; without rounding every
 * call would leave a reminder of its own, with it an id has no more than eight for each doubling of the horizon.
 */
function dueTime(now: number, delayMs: number): number {
  const grain = Math.max(1, 2 ** Math.floor(Math.log2(Math.max(delayMs, 1) / 8)))
  return Math.ceil((now + delayMs) / grain) * grain
}

/** What stands in Redis or Postgres is only as trustworthy as whoever may write there. */
export function isJobData(data: unknown): data is JobData {
  return typeof data === 'object' && data !== null && 'id' in data && typeof data.id === 'string' && data.id !== ''
}
