import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from '../../src/store/index.ts'
import type { Judge } from '../bench/judge.ts'
import { usageOf } from '../bench/process-tree.ts'
import { HubProcesses } from '../faults/rig/hub.ts'
import { PostgresServer } from '../faults/rig/postgres.ts'
import { RedisServer } from '../faults/rig/redis.ts'
import { sleep } from '../faults/rig/waiting.ts'
import type { Backend } from '../faults/rig/world.ts'
import { hubFiles } from './systems.ts'
import { writeFiles } from './write-files.ts'

/** What a start has to do is over by then. */
const SETTLE_MS = 20_000
const MEASURE_MS = 60_000

type Rest = { statements: number; postgresSeconds: number; processSeconds: number; logBytes: number }

/**
 * What a hub costs in which nothing happens: statements, processor time and write-ahead log of a minute, with `serve` and so many workers,
 * for few connections and for many, so that the difference is what a connection costs.
 */
export async function printRest(
  judge: Judge,
  shape: { backend: Backend; workers: number; syncs: number },
): Promise<void> {
  const { backend, workers, syncs } = shape
  const rest = await measureRest(shape)
  judge.note(
    `at rest, queue in ${backend}, ${workers} workers, ${2 * syncs} connections, a minute`,
    `${rest.statements} statements, ${rest.postgresSeconds.toFixed(2)} s of Postgres, ${rest.processSeconds.toFixed(2)} s of serve and workers, ${Math.round(rest.logBytes / 1_024)} kB of write-ahead log`,
  )
}

async function measureRest({
  backend,
  workers,
  syncs,
}: {
  backend: Backend
  workers: number
  syncs: number
}): Promise<Rest> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-rest-'))
  const postgres = await PostgresServer.start(join(folder, 'postgres'), [
    '-c',
    'shared_preload_libraries=pg_stat_statements',
  ])
  const redis = backend === 'redis' ? await RedisServer.start(join(folder, 'redis')) : undefined
  const database = await postgres.database()
  const pool = createPool(postgres.url(database))
  await writeFiles(join(folder, 'hub'), hubFiles(syncs, { url: 'http://127.0.0.1:9', host: '127.0.0.1' }))
  const hub = await HubProcesses.prepare({
    folder: join(folder, 'hub'),
    logs: folder,
    databaseUrl: postgres.url(database),
    ...(redis ? { redisUrl: redis.url } : {}),
    extra: { CAUSEWAY_LOG_LEVEL: 'warn' },
  })
  try {
    await pool.query('create extension pg_stat_statements schema public')
    await hub.serve()
    while (hub.workers.length < workers) await hub.work()
    await sleep(SETTLE_MS)
    const look = async () => {
      const { rows } = await pool.query<{ statements: number; log: number }>(
        `select sum(calls)::int as statements, (pg_current_wal_insert_lsn() - '0/0')::float8 as log from public.pg_stat_statements`,
      )
      const used = (pid: number): number => Object.values(usageOf(pid).cpuSeconds).reduce((sum, one) => sum + one, 0)
      const processes = [hub.server!, ...hub.workers].reduce((sum, { pid }) => sum + used(pid), 0)
      return { ...rows[0]!, postgres: used(postgres.pid), processes }
    }
    const before = await look()
    await sleep(MEASURE_MS)
    const after = await look()
    return {
      statements: after.statements - before.statements,
      postgresSeconds: after.postgres - before.postgres,
      processSeconds: after.processes - before.processes,
      logBytes: after.log - before.log,
    }
  } finally {
    await hub.stop()
    await pool.end()
    await redis?.stop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
