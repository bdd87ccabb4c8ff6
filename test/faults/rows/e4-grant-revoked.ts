import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'E4',
  title: 'the grant is revoked',
  holds: ['I12'],
  promise:
    'A refused grant asks for a person at once: the connection says so, and its work waits instead of failing over and over.',
  method:
    'invalid_grant: at most three token requests over two workers, state needs_authorisation, the pull still asked for.',
  queue: false,
  world: { tokens: true },
  async run(world, check) {
    const { hub, source, tokens, pool } = world
    source.fill(10)
    tokens!.revoked = true
    await world.start(2)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    const state = async (): Promise<string> =>
      (await pool.query<{ state: string }>(`select state from connection where name = 'source'`)).rows[0]!.state
    await until('the connection asks for a person', state, (word) => word === 'needs_authorisation', 60_000)
    await sleep(5_000)
    check.atMost('token requests', tokens!.refreshes.length, 3)
    check.equal('pulls still asked for', (await world.backlog()).pulls, 1)
    const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from run where outcome = 'success'`)
    check.equal('runs that call it a success', rows[0]!.n, 0)
  },
}
