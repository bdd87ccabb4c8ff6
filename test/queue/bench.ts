import { vi } from 'vitest'
import type { QueueTarget, QueueTuning, WorkHandler, WorkQueue } from '../../src/queue/index.ts'
import type { Backend } from './backends.ts'

/** The defaults in a hurry. */
export const TUNING: Partial<QueueTuning> = {
  lockMs: 1_000,
  stalledCheckMs: 300,
  idlePollMs: 1_000,
  crashBackoffMs: 50,
  crashAttempts: 3,
  callTimeoutMs: 1_500,
}

/** What a case of the contract works with. */
export type Bench = {
  backend: Backend
  target: QueueTarget
  queue: WorkQueue
  /** What the queue wrote to its log. */
  lines: string[]
  /** A second queue on the same target, as another process would have it. */
  another(tuning?: Partial<QueueTuning>): Promise<WorkQueue>
}

/** A handler that notes its ids and, until let go, holds those it was told to hold. */
export function recorder(hold: string[] = []) {
  const started: string[] = []
  const finished: string[] = []
  const held = new Set(hold)
  let letGo = () => {}
  const gate = new Promise<void>((open) => {
    letGo = open
  })
  const handler: WorkHandler = async (id) => {
    started.push(id)
    if (held.has(id)) await gate
    finished.push(id)
  }
  return { handler, started, finished, release: () => letGo() }
}

export const soon = <T>(check: () => T | Promise<T>, timeout = 90_000) => vi.waitFor(check, { timeout, interval: 20 })

export type Cases = Record<string, (bench: Bench) => Promise<void>>
