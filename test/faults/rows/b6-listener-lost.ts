import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'B6',
  title: 'the notification session is lost',
  holds: ['I8'],
  promise: 'With the queue in Postgres, a worker whose listening session was ended works on.',
  method:
    'pg_terminate_backend on every session that listens, ten times; the next event reaches the target within 2 s.',
  only: 'postgres',
  async run(world, check, { short }) {
    const { pool } = world
    await world.start(1)
    await world.roundTrip('warm')
    for (let i = 0; i < (short ? 3 : 10); i++) {
      const { rowCount } = await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name ~ '/.*(pull|push|inbox)'`,
      )
      check.atLeast('listening sessions', rowCount ?? 0, 1)
      await sleep(1_000)
      check.within('next effect', await world.roundTrip(`n${i}`), 2_000)
    }
    await world.settle(check, 20_000, { events: true })
  },
}
