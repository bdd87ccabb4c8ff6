import type { Row } from '../rig/row.ts'
import { refusalsAmong } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'C3',
  title: 'deadlocks',
  holds: ['I1', 'I2'],
  promise: 'Transactions that Postgres gives up for the sake of others are repeated inside; nobody sees them.',
  method:
    'Somebody else takes the same rows in the opposite order until Postgres has broken many deadlocks; three workers on 50 keys.',
  queue: false,
  world: { lanes: 4 },
  async run(world, check, { short }) {
    const { pool, hub } = world
    await world.start(3)
    await world.sendVersions(keys(), 1)
    let over = false
    const crossing = Array.from({ length: 3 }, async () => {
      const client = await pool.connect()
      try {
        await client.query(`set deadlock_timeout = '20s'`)
        while (!over) {
          await client.query('begin')
          try {
            await client.query('update record set observed_at = observed_at where id = $1', [world.random.pick(keys())])
            await sleep(5)
            await client.query('update stream set cursor_at = cursor_at')
            await client.query('commit')
          } catch {
            await client.query('rollback')
          }
        }
      } finally {
        client.release(true)
      }
    })
    for (let rev = 2; rev <= (short ? 6 : 40); rev++) await world.sendVersions(keys(), rev)
    over = true
    await Promise.all(crossing)
    await world.settle(check, 60_000, { events: true })
    const { rows } = await pool.query<{ deadlocks: number }>(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    )
    check.atLeast('deadlocks', rows[0]!.deadlocks, 1)
    const failed = await pool.query<{ n: number }>(`select count(*)::int as n from run where outcome = 'failed'`)
    check.equal('failed runs', failed.rows[0]!.n, 0)
    check.equal('answers that are no 202', refusalsAmong(world.sender.answers).join(), '')
    check.equal('handlers that crashed', hub.output().split('a handler crashed').length - 1, 0)
  },
}

const keys = (): string[] => Array.from({ length: 50 }, (_, i) => `k${i}`)
