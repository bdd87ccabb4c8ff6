import { CausewayError } from '../core/index.ts'
import type { BulkServices } from '../http/index.ts'
import { laneJob, type Ports } from '../pipeline/index.ts'
import type { Sweep } from '../queue/index.ts'
import {
  abortBulkAction,
  beginBulkAction,
  findRunningBulkActions,
  type LeaseProof,
  type Store,
  workBulkPart,
} from '../store/index.ts'

/** How long a confirmed action waits for somebody who works; after a kill the lease of the killed one comes on top. */
const EVERY_MS = 1_000

/** What people do with bulk actions. `syncId` knows the syncs by name. */
export function bulkServices(pool: Store['pool'], syncId: (name: string) => number): BulkServices {
  return {
    begin: ({ decision, sync, ...confirmed }, actor) =>
      beginBulkAction(pool, {
        ...confirmed,
        said: decision ?? (sync ? { toSync: syncId(sync) } : null),
        actor: actor.name,
        reason: actor.reason,
      }),
    async abort(id, actor) {
      if (!(await abortBulkAction(pool, id, actor)))
        throw new CausewayError('CSW-8008', { what: `Bulk action ${id} is over.` })
    },
  }
}

/** Goes on with the bulk actions that nobody else is at, a part of each in turn, so that a small one need not wait for a large one. */
export function bulkSweep(pool: Store['pool'], ports: BulkPorts): Sweep {
  return {
    name: 'bulk-actions',
    everyMs: EVERY_MS,
    run: async (signal) => {
      const held = new Map<number, Held>()
      try {
        do {
          await takeFree(await findRunningBulkActions(pool), held, ports)
          for (const [id, lease] of held) {
            if (await workOnce(pool, ports, id, lease)) continue
            held.delete(id)
            await lease.release()
          }
        } while (held.size && !signal.aborted)
      } finally {
        for (const lease of held.values()) await lease.release()
      }
    },
  }
}

type BulkPorts = Pick<Ports, 'holdLease' | 'model' | 'queue'>
type Held = LeaseProof & { release(): Promise<void> }

async function takeFree(ids: number[], held: Map<number, Held>, ports: BulkPorts): Promise<void> {
  for (const id of ids) {
    const lease = held.has(id) ? null : await ports.holdLease(`bulk:${id}`)
    if (lease) held.set(id, lease)
  }
}

/** False when there is nothing more to do. */
async function workOnce(pool: Store['pool'], ports: BulkPorts, id: number, lease: LeaseProof): Promise<boolean> {
  const done = await workBulkPart(pool, lease, id)
  if (!done) return false
  await wakeSyncs(ports, done.syncs)
  if (done.connections.length) await ports.queue.wakeMany('inbox', done.connections.map(String))
  return true
}

/** Calls the lanes of some syncs to work. */
export async function wakeSyncs(ports: Pick<Ports, 'model' | 'queue'>, syncIds: number[]): Promise<void> {
  const jobs = syncIds.flatMap((id) => {
    const lanes = ports.model().sync(id)?.definition.lanes ?? 0
    return Array.from({ length: lanes }, (_, lane) => laneJob(id, lane))
  })
  if (jobs.length) await ports.queue.wakeMany('push', jobs)
}
