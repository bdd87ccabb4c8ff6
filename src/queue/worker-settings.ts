import type { QueueTuning } from './tuning.ts'

/** Nobody reads BullMQ's event stream (QueueEvents is not used), so it is kept short. */
export const queueDefaults = { streams: { events: { maxLen: 100 } } }

/** Worker options that are the same for both backends. */
export function workerDefaults(tuning: QueueTuning) {
  return {
    lockDuration: tuning.lockMs,
    stalledInterval: tuning.stalledCheckMs,
    maxStalledCount: tuning.maxAbandoned,
    drainDelay: tuning.idlePollMs / 1000,
    // The wait between attempts to reach a backend that refuses connections; 15 s upstream.
    runRetryDelay: 1_000,
  }
}
