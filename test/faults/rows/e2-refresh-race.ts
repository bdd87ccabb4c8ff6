import type { Row } from '../rig/row.ts'
import { until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'E2',
  title: 'many processes renew a token at once',
  holds: ['I8'],
  promise: 'However many processes find the token expired, one renews it and the others take what it got.',
  method:
    'Refresh tokens that serve once and revoke everything when used twice; four processes of eight connections meet the expiry together, over and over.',
  queue: false,
  world: { tokens: true },
  async run(world, check, { short }) {
    const { hub, source, tokens } = world
    source.fill(60)
    source.pageSize = 5
    source.delayMs = 5
    source.mishap = ({ authorization }) =>
      tokens!.accepts(authorization)
        ? undefined
        : (response) => void response.writeHead(401, { 'content-type': 'application/json' }).end('{}')
    await world.start(3)
    const rounds = short ? 6 : 100
    for (let round = 0; round < rounds; round++) {
      tokens!.expire()
      const before = tokens!.refreshes.length
      const calls = source.calls.length
      await hub.api('POST', '/syncs/contacts/run', { full: true })
      // The page asks the source too, from another process and in the same moment.
      await Promise.all(
        Array.from({ length: 10 }, () => hub.api('POST', '/connections/source/test').catch(() => undefined)),
      )
      await until(
        'the source was asked',
        () => source.calls.length,
        (count) => count > calls + 2,
        30_000,
      )
      await until(
        'the pull is over',
        async () => (await world.backlog()).pulls,
        (count) => count === 0,
        60_000,
      )
      check.equal('refreshes per expiry', tokens!.refreshes.length - before, 1)
    }
    check.equal('used twice', tokens!.reused, 0)
    check.equal('revoked', tokens!.revoked, false)
    await world.settle(check, 60_000, { pulls: true })
  },
}
