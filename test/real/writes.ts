import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended, HubProcess } from './hub-process.ts'
import type { Report } from './report.ts'

type Run = { outcome: string | null; counts: Record<string, number>; error: unknown }
type Sync = { sync: { deliveries: Record<string, number>; openDeadLetters: number } }

/**
 * Runs syncs one after the other and waits until nothing is left to do. Gives how many records each wrote into its target,
 * over all its runs: one pull feeds several syncs, so a sync may have been at work before it was asked.
 */
export async function runAll(
  hub: HubProcess,
  syncs: readonly string[],
  report: Report,
  options: { full?: boolean } = {},
): Promise<Record<string, number>> {
  const since = new Date().toISOString()
  for (const sync of syncs) {
    const ended = await runOnce(hub, sync, options)
    report.equal(`${sync} succeeds`, [ended.outcome, ended.error], ['success', null])
  }
  const writes: Record<string, number> = {}
  for (const sync of syncs) {
    await settled(hub, sync)
    const { items } = await hub.call<{ items: Run[] }>('GET', `/api/v1/runs?sync=${sync}&since=${since}&limit=100`)
    const failed = items.filter((run) => run.outcome !== 'success' && !isTakenUpAgain(run.error))
    if (failed.length) report.equal(`${sync}: no run of it failed`, failed, [])
    writes[sync] = items.reduce((sum, run) => sum + written(run), 0)
  }
  return writes
}

/** Runs a two-way sync and waits for both directions; gives how many records were written on both sides since then or `since`. */
export async function runBoth(
  hub: HubProcess,
  sync: string,
  report: Report,
  options: { full?: boolean; since?: string } = {},
): Promise<number> {
  const { since = new Date().toISOString() } = options
  const ended = await runOnce(hub, sync, options)
  // A record that one direction is writing is left alone by the other and tried again, which makes a run partial.
  report.equal(`${sync} succeeds`, [['success', 'partial'].includes(String(ended.outcome)), ended.error], [true, null])
  for (const direction of [sync, `${sync}~back`]) await settled(hub, direction)
  // The runs of both directions are listed under the name of the sync.
  const { items } = await hub.call<{ items: Run[] }>('GET', `/api/v1/runs?sync=${sync}&since=${since}&limit=100`)
  const failed = items.filter((run) => run.outcome === 'failed' && !isTakenUpAgain(run.error))
  if (failed.length) report.equal(`${sync}: no run of it failed`, failed, [])
  return items.reduce((sum, run) => sum + written(run), 0)
}

/** How many records a sync made or deleted in its target since then. */
export async function madeOrDeleted(hub: HubProcess, sync: string, since: string): Promise<number> {
  const { items } = await hub.call<{ items: Run[] }>('GET', `/api/v1/runs?sync=${sync}&since=${since}&limit=100`)
  return items.reduce((sum, { counts }) => sum + (counts.created ?? 0) + (counts.deleted ?? 0), 0)
}

const written = ({ counts }: Run): number => (counts.created ?? 0) + (counts.updated ?? 0) + (counts.deleted ?? 0)

/**
 * The hub ended its own work, which it does when a busy machine keeps it from renewing a lease, or the other system failed by its own
 * account (the OData server answers 500 now and then): the hub tries again by itself. What lasts is no such end.
 */
const isTakenUpAgain = (error: unknown): boolean =>
  ['CSW-3015', 'CSW-3006'].includes((error as { code?: string } | null)?.code ?? '')

/** Runs a sync, and again after an end that is none. */
async function runOnce(hub: HubProcess, sync: string, options: { full?: boolean }): Promise<Ended> {
  for (let attempt = 1; ; attempt++) {
    const ended = await hub.run(sync, options)
    if (attempt === 5 || !isTakenUpAgain(ended.error)) return ended
    await settled(hub, sync)
  }
}

/** Waits until no delivery of a sync waits for anything. */
async function settled(hub: HubProcess, sync: string): Promise<void> {
  for (let waited = 0; ; waited += 250) {
    const { sync: state } = await hub.call<Sync>('GET', `/api/v1/syncs/${sync}`)
    const { pending = 0, parked = 0, in_doubt: inDoubt = 0, dead = 0 } = state.deliveries
    const running = await hub.call<{ items: Run[] }>('GET', `/api/v1/runs?sync=${sync}&limit=5`)
    const busy =
      pending +
      parked +
      inDoubt +
      running.items.filter((run) => run.outcome === null || run.outcome === 'running').length
    if (dead) throw new Error(`${sync} has ${dead} dead letters: ${JSON.stringify(await letters(hub, sync))}`)
    if (busy === 0) return
    if (waited > 300_000) throw new Error(`${sync} does not settle: ${JSON.stringify(state)}`)
    await sleep(250)
  }
}

const letters = (hub: HubProcess, sync: string): Promise<unknown> =>
  hub.call('GET', `/api/v1/dead-letters?sync=${sync}&limit=3`).catch(String)
