import { retryChangedCredentials } from './connection-failure.ts'
import type { Ports } from './ports.ts'
import { laneJob } from './wake-followers.ts'

/** Lost work waits this long at most for its next wake-up; after a killed worker its lease comes on top. */
const PENDING_MS = 3_000
/** A run without a heartbeat for this long lost its worker. */
const SILENT_MS = 30_000

export type Sweep = { name: string; everyMs: number; run(): Promise<void> }

/**
 * Finds pending work in the tables, whatever happened to the queue: lost, doubled, late or flushed jobs cost one interval and
 * nothing else.
 */
export function sweeps(ports: Ports): Sweep[] {
  return [
    {
      name: 'pending-pulls',
      everyMs: PENDING_MS,
      run: async () => ports.queue.wakeMany('pull', (await ports.ledger.findPendingPulls()).map(String)),
    },
    { name: 'pending-pushes', everyMs: PENDING_MS, run: () => wakePendingPushes(ports) },
    {
      name: 'pending-events',
      everyMs: PENDING_MS,
      run: async () => ports.queue.wakeMany('inbox', (await ports.ledger.findPendingInboxes()).map(String)),
    },
    {
      name: 'interrupted-runs',
      everyMs: 10_000,
      run: async () => {
        const count = await ports.ledger.markInterrupted(SILENT_MS)
        if (count) ports.log.warn({ count }, 'runs lost their worker; their work goes on in new runs')
      },
    },
    { name: 'erasures', everyMs: 30_000, run: () => ports.erasures.refresh() },
    { name: 'changed-credentials', everyMs: 10_000, run: () => retryChangedCredentials(ports) },
    {
      name: 'orphaned-intents',
      everyMs: 60 * 60_000,
      run: async () => void (await ports.ledger.dropOrphanedIntents()),
    },
  ]
}

async function wakePendingPushes(ports: Ports): Promise<void> {
  const ids = await ports.ledger.findPendingPushes()
  const waiting = await ports.ledger.findWaitingLanes()
  const jobs = ids.flatMap((id) => {
    const lanes = ports.model().sync(id)?.definition.lanes ?? 0
    return Array.from({ length: lanes }, (_, lane) => laneJob(id, lane)).filter((job) => !waiting.has(job))
  })
  if (jobs.length) await ports.queue.wakeMany('push', jobs)
}
