import type { ProcessStops } from '../core/index.ts'

/**
 * The queue in our words. A job is a wake-up call that carries an id and nothing else; the work itself stands in the ledger,
 * so a lost, doubled or late job costs time and never a record.
 */

/** Few queues by kind of work; what must be fair or paused per connection is decided from the ledger's tables. */
export const WORK_KINDS = ['pull', 'push', 'inbox', 'upkeep'] as const
export type WorkKind = (typeof WORK_KINDS)[number]

/**
 * Does the work behind an id: a stream id for `pull`, a sync id with lane for `push`, a connection id for `inbox`, a task
 * name for `upkeep`. Must be idempotent and must return when `signal` aborts. A throw means "crashed": the job is tried again.
 */
export type WorkHandler = (id: string, signal: AbortSignal) => Promise<void>

export type Backlog = { waiting: number; active: number; delayed: number; failed: number; workers: number }

export type Working = { stop(reason?: ProcessStops): Promise<void> }

export type BoardAnswer = { status: number; body: unknown }

export interface WorkQueue {
  readonly backend: 'postgres' | 'redis'
  /** Asks for work soon. Calls for an id that already waits collapse; one that arrives while the id is being worked on is kept. */
  wake(kind: WorkKind, id: string, options?: { delayMs?: number }): Promise<void>
  wakeMany(kind: WorkKind, ids: string[]): Promise<void>
  /** Starts taking jobs of a kind. `stop` lets running handlers finish (their signal aborts first, with the reason given). */
  work(kind: WorkKind, handler: WorkHandler, options: { concurrency: number }): Promise<Working>
  backlog(kind: WorkKind): Promise<Backlog>
  /** What bull-board's page asks of its server (`/queues`), as far as it only reads; undefined for everything else. */
  readBoard(path: string, query: object): Promise<BoardAnswer | undefined>
  /** True when the backend answers now. */
  ping(): Promise<boolean>
  close(): Promise<void>
}
