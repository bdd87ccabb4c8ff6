import type { Ports } from './ports.ts'

/** A queue job costs about a millisecond on Postgres, so a pull that pours out pages wakes other processes this often at most. */
const WAKE_EVERY_MS = 250
const lastWake = new WeakMap<object, Map<number, number>>()

export const laneJob = (syncId: number, lane: number): string => `${syncId}.${lane}`
export function parseLaneJob(id: string): { syncId: number; lane: number } {
  const [syncId, lane] = id.split('.').map(Number)
  return { syncId: syncId!, lane: lane ?? 0 }
}

/** Wakes the lanes of all syncs that follow a stream: those that wait in this process directly, others through the queue. */
export async function wakeFollowers(ports: Ports, streamId: number, options: { now: boolean }): Promise<void> {
  const times = lastWake.get(ports.wakes) ?? new Map<number, number>()
  lastWake.set(ports.wakes, times)
  const jobs: string[] = []
  for (const { row, definition } of ports.model().followers(streamId)) {
    if (row.state !== 'active') continue
    const awaited = ports.wakes.isAwaited(row.id)
    ports.wakes.notify(row.id)
    const now = ports.clock.monotonic()
    if (!options.now && (awaited || now - (times.get(row.id) ?? -Infinity) < WAKE_EVERY_MS)) continue
    times.set(row.id, now)
    for (let lane = 0; lane < definition.lanes; lane++) jobs.push(laneJob(row.id, lane))
  }
  if (jobs.length) await ports.queue.wakeMany('push', jobs)
}
