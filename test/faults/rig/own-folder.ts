import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createPool } from '../../../src/store/index.ts'
import { Random } from '../../random.ts'
import { HubProcesses } from './hub.ts'
import { backlogOf, positionsAhead } from './ledgers.ts'
import { PostgresServer } from './postgres.ts'
import { sleep, until } from './waiting.ts'

export type OwnFolder = { folder: string; sync: string; kills: number; seed: number }
type Progress = { state: string; outcome: string | null; counts: { push?: Record<string, number> } }

/**
 * Kills the worker of somebody's own sync over and over. Nothing is known of the systems, so the proof is a second full run: what
 * it creates, the first one had lost or doubled. Gives the exit code.
 */
export async function breakOwnFolder({ folder, sync, kills, seed }: OwnFolder): Promise<number> {
  const place = await mkdtemp(join(tmpdir(), 'causeway-faults-'))
  const random = new Random(seed)
  const postgres = await PostgresServer.start(join(place, 'postgres'))
  const database = await postgres.database()
  const pool = createPool(postgres.url(database))
  const hub = await HubProcesses.prepare({
    folder: resolve(folder),
    logs: place,
    databaseUrl: postgres.url(database),
    extra: { ...process.env, DATABASE_URL: postgres.url(database), REDIS_URL: '' },
  })
  const failures: string[] = []
  try {
    console.log(`${sync} of ${resolve(folder)}: up to ${kills} kills, seed ${seed}`)
    await hub.serve()
    await hub.work()
    const request = await ask(hub, sync)
    let killed = 0
    while (killed < kills && (await progressOf(hub, sync, request)).state !== 'finished') {
      await sleep(random.between(500, 3_000))
      await hub.replace(hub.workers[0]!)
      killed++
      const ahead = await positionsAhead(pool)
      if (ahead.length) failures.push(`positions are ahead of deliveries: ${ahead.slice(0, 3).join(', ')}`)
    }
    const idle = (count: Record<string, number>): boolean => Object.values(count).every((one) => one === 0)
    await until('the hub has caught up', () => backlogOf(pool), idle, 30 * 60_000, 1_000)
    const again = await ask(hub, sync)
    const second = await until(
      'the second run is over',
      () => progressOf(hub, sync, again),
      ({ state }) => state === 'finished',
      30 * 60_000,
      1_000,
    )
    const created = second.counts.push?.created ?? 0
    if (created) failures.push(`the second full run created ${created} records`)
    console.log(`killed ${killed} times; second run: ${second.outcome}, ${JSON.stringify(second.counts)}`)
  } catch (error) {
    failures.push((error as Error).message)
  } finally {
    await hub.stop()
    await pool.end()
    await postgres.stop()
    await rm(place, { recursive: true, force: true })
  }
  for (const failure of failures) console.log(`       ${failure}`)
  console.log(failures.length ? '0 passed, 1 failed' : '1 passed, 0 failed')
  return failures.length ? 1 : 0
}

async function ask(hub: HubProcesses, sync: string): Promise<string> {
  return (await hub.api<{ requestId: string }>('POST', `/syncs/${sync}/run`, { full: true })).requestId
}

const progressOf = (hub: HubProcesses, sync: string, request: string): Promise<Progress> =>
  hub.api<Progress>('GET', `/syncs/${sync}/requests/${request}`)
