import { asCausewayError } from '../core/index.ts'
import type { QueueLog } from './trouble.ts'

/** Work that looks for what everything else forgot. `run` must return soon when `signal` aborts. */
export type Sweep = { name: string; everyMs: number; run(signal: AbortSignal): Promise<void> }

export type SweepOptions = {
  log: QueueLog
  /** 0 to 1; for tests. */
  random?: () => number
}

/** The first round comes soon after the start, because what a crash left behind is waiting. */
const FIRST_ROUND_MS = 2_000

/** Runs each sweep on a timer of its own until stopped. A sweep never overlaps itself, and no failure of it leaves here. */
export function startSweeps(sweeps: Sweep[], options: SweepOptions): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const loops = sweeps.map((sweep) => repeat(sweep, options, stopping.signal))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

async function repeat(sweep: Sweep, { log, random = Math.random }: SweepOptions, signal: AbortSignal): Promise<void> {
  await pause(random() * Math.min(FIRST_ROUND_MS, sweep.everyMs), signal)
  while (!signal.aborted) {
    await once(sweep, log, signal)
    // A tenth up or down, so that instances started together do not sweep together for ever.
    await pause(sweep.everyMs * (0.9 + random() * 0.2), signal)
  }
}

async function once(sweep: Sweep, log: QueueLog, signal: AbortSignal): Promise<void> {
  const slowMs = Math.max(60_000, 10 * sweep.everyMs)
  const slow = setTimeout(() => log.warn({ sweep: sweep.name, afterMs: slowMs }, 'a sweep is still running'), slowMs)
  try {
    await sweep.run(signal)
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (!signal.aborted)
      log.error({ sweep: sweep.name, code: error.code, err: error }, 'a sweep failed, the next round tries again')
  } finally {
    clearTimeout(slow)
  }
}

/** Waits, or returns at once when told to stop. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
