import { withTransaction } from '../../../src/store/index.ts'
import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'B2',
  title: 'the queue is wiped',
  holds: ['I1', 'I2'],
  promise: 'The queue may lose everything in the middle of the work: all of it is queued again from the ledger.',
  method: 'FLUSHALL on Redis, TRUNCATE of the queue tables on Postgres, five times while a pull and its pushes run.',
  world: { lanes: 2, batch: true },
  async run(world, check, { short }) {
    const { hub, source, target, redis, pool, backend } = world
    source.fill(short ? 600 : 3_000)
    source.delayMs = 60
    target.delayMs = 30
    await world.start(2)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    const wipes = short ? 3 : 5
    for (let wipe = 1; wipe <= wipes; wipe++) {
      await until(
        'work goes on',
        () => target.creates,
        (count) => count >= ((wipe - 1) * source.contacts.size) / (wipes + 1),
        60_000,
      )
      if (backend === 'redis') await redis!.command('FLUSHALL')
      else await wipeTables()
      await sleep(200)
    }
    await world.settle(check, 60_000, { pulls: true })
    check.equal('records', target.customers.size, source.contacts.size)

    async function wipeTables(): Promise<void> {
      const { rows } = await pool.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables
          where schemaname like '%queue%' and tablename not like '%migration%'`,
      )
      check.atLeast('queue tables', rows.length, 1)
      // Whoever works on the queue takes its tables in another order, and Postgres may choose this session for the victim.
      await withTransaction(pool, (client) => client.query(`truncate ${rows.map(({ name }) => name).join(', ')}`))
    }
  },
}
