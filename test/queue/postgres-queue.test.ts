import pg from 'pg'
import { expect, test } from 'vitest'
import { migrateQueue, openQueue, WORK_KINDS } from '../../src/queue/index.ts'
import { freshDatabase } from '../postgres.ts'
import { postgresBackend } from './backends.ts'
import { soon, TUNING } from './bench.ts'
import { queueContract } from './contract.ts'

queueContract('Postgres', postgresBackend)

const log = { info() {}, warn() {}, error() {} }

test('a lost notification costs an idle poll, even when the next job is hours away', async () => {
  const { url } = await freshDatabase({ migrated: false })
  const target = { backend: 'postgres' as const, connectionString: url }
  await migrateQueue(target)
  const queue = await openQueue(target, { log, tuning: TUNING })
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    const seen: string[] = []
    await queue.work('push', async (id) => void seen.push(id), { concurrency: 1 })
    await queue.wake('push', 'a', { delayMs: 3_600_000 })
    await queue.wake('push', 'b', { delayMs: 7_200_000 })
    // Longer than one idle poll, so that the worker has seen what lies ahead and settled down to wait for it.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await admin.query(`update causeway_queue.job set state = 'waiting', process_at_ms = null where data->>'id' = 'a'`)
    await soon(() => expect(seen).toEqual(['a']))
  } finally {
    await queue.close()
    await admin.end()
  }
})

test('without its tables the queue says what to do; migrating twice, and at once, is harmless', async () => {
  const { url } = await freshDatabase({ migrated: false })
  const target = { backend: 'postgres' as const, connectionString: url }
  await expect(openQueue(target, { log })).rejects.toMatchObject({
    code: 'CSW-7002',
    fix: expect.stringContaining('migrate'),
  })
  const versions = await Promise.all([migrateQueue(target), migrateQueue(target)])
  expect(versions[0]).toBe(versions[1])
  expect(await migrateQueue(target)).toBe(versions[0])
  const queue = await openQueue(target, { log })
  expect(await queue.ping()).toBe(true)
  await queue.close()
})

test('a Postgres that is away, or a schema name that is none, is told apart', async () => {
  const away = { backend: 'postgres' as const, connectionString: 'postgres://nobody@127.0.0.1:1/none' }
  await expect(openQueue(away, { log })).rejects.toMatchObject({ code: 'CSW-7001', reaction: 'retry' })
  await expect(openQueue({ ...away, schema: 'drop table; --' }, { log })).rejects.toMatchObject({ code: 'CSW-1002' })
})

test('broken sessions are replaced, not added to, and the process is counted as a worker again', async () => {
  const { url } = await freshDatabase({ migrated: false })
  const target = { backend: 'postgres' as const, connectionString: url }
  await migrateQueue(target)
  const queue = await openQueue(target, { log, tuning: TUNING })
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
  try {
    for (const kind of WORK_KINDS) await queue.work(kind, async () => undefined, { concurrency: 5 })
    for (let round = 0; round < 3; round += 1) {
      await admin.query(`select pg_terminate_backend(pid) ${others}`)
      await soon(() => queue.wake('push', `round ${round}`))
    }
    await soon(async () => expect((await queue.backlog('push')).workers).toBe(1))
    // A session that was told to end is still listed for a moment.
    await soon(async () => {
      const { rows } = await admin.query(`select count(*)::int as sessions ${others}`)
      expect(rows[0].sessions).toBeLessThanOrEqual(5)
    })
  } finally {
    await queue.close()
    await admin.end()
  }
})
