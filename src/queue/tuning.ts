/** How patient the queue is. Production keeps the defaults; tests shorten them. */
export type QueueTuning = {
  /** A job whose worker has not renewed it for this long is taken to be abandoned. */
  lockMs: number
  /** How often abandoned jobs are looked for. Killed worker to next worker: `lockMs` plus one to two of these. */
  stalledCheckMs: number
  /** A job may be abandoned this often before it counts as failed; each restart of a busy process uses one. */
  maxAbandoned: number
  /** How often an idle worker looks by itself, should a notification be lost. */
  idlePollMs: number
  /** Attempts of a job whose handler threw. Retries of records are no concern of the queue: they stand in the ledger. */
  crashAttempts: number
  /** Wait before the second attempt; doubles with each further one. */
  crashBackoffMs: number
  /** Failed jobs kept for a look, per kind. */
  keepFailed: number
  /** A call that has no answer after this long is given up with CSW-7001; the sweeps find the work later. */
  callTimeoutMs: number
  /** Postgres sessions for queue commands, besides the one that listens. */
  sessions: number
}

export const DEFAULT_TUNING: QueueTuning = {
  lockMs: 8_000,
  stalledCheckMs: 3_000,
  maxAbandoned: 10,
  idlePollMs: 5_000,
  crashAttempts: 5,
  crashBackoffMs: 1_000,
  keepFailed: 200,
  callTimeoutMs: 5_000,
  sessions: 4,
}
