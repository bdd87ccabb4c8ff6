import { sliceOf } from '../core/index.ts'
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
    for (let lane = 0; lane < definition.lanes; lane++)
      if (!ports.wakes.isWorking(laneJob(row.id, lane))) jobs.push(laneJob(row.id, lane))
  }
  if (jobs.length) await ports.queue.wakeMany('push', jobs)
}

/**
 * The same for webhooks, which cannot wait for a job: the lanes of the changed records begin in this process, or go on where
 * they rest. A sync that joins the stream may have to do something in any lane.
 */
export async function callFollowers(ports: Ports, streamId: number, changed: ReadonlySet<string>): Promise<void> {
  const { callLane } = ports
  if (!callLane) return wakeFollowers(ports, streamId, { now: true })
  const slices = [...new Set([...changed].map(sliceOf))]
  for (const { row, definition } of ports.model().followers(streamId)) {
    if (row.state !== 'active') continue
    ports.wakes.notify(row.id)
    const lanes =
      row.fromStream === streamId && !definition.joins.length
        ? new Set(slices.map((slice) => slice % definition.lanes))
        : Array.from({ length: definition.lanes }).keys()
    for (const lane of lanes) callLane(laneJob(row.id, lane))
  }
}
