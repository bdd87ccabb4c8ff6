import type { Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'A4',
  title: 'a stopped worker wakes up late',
  holds: ['I2', 'I3'],
  promise:
    'A worker that was frozen for longer than its lease cannot write to the ledger any more, and the target has the newest state one cycle later.',
  method:
    'SIGSTOP in the middle of a call, a second worker takes over and delivers newer versions, SIGCONT. The late commit is refused by the fencing token, nothing is doubled, and the target holds the newest versions.',
  world: { lanes: 1 },
  async run(world, check) {
    const { hub, target, sender, pool } = world
    await hub.serve()
    const frozen = await hub.work()
    const versions = (rev: number) =>
      Promise.all(Array.from({ length: 20 }, (_, i) => sender.sendUntilTaken(sender.event({ id: `c${i}`, rev }))))
    await versions(1)
    await until(
      'the first versions are delivered',
      () => target.creates,
      (count) => count === 20,
      20_000,
    )
    await world.drained(20_000)
    target.delayMs = 1_000
    const before = target.calls.length
    await versions(2)
    await until(
      'writes are under way',
      () => target.calls.length,
      (count) => count > before,
      20_000,
      5,
    )
    frozen.signal('SIGSTOP')
    target.delayMs = 0
    const frozenAt = performance.now()
    await hub.work()
    await versions(3)
    await until(
      'others have delivered the newest',
      () => newest(),
      (count) => count === 20,
      60_000,
    )
    check.within('taken over after', performance.now() - frozenAt, 20_000)
    const tokenBefore = await token()
    frozen.signal('SIGCONT')
    await sleep(3_000)
    check.within('drained', await world.drained(20_000), 20_000)
    check.equal('refusals in the late worker', frozen.output().includes('CSW-6004'), true)
    check.atLeast('token', await token(), tokenBefore)
    check.equal('newest in the target', newest(), 20)
    const { stale, ...others } = await world.ledgers({ events: true })
    // A call that was on its way when the worker froze may arrive late; what counts is what stands in the end.
    check.note('writes that went back', stale)
    check.ledgers({ ...others, stale: 20 - newest(), examples: [] })
    check.equal('processes that fell over', hub.crashed().length, 0)

    function newest(): number {
      return [...target.customers.values()].filter(({ rev }) => rev === 3).length
    }
    async function token(): Promise<number> {
      const { rows } = await pool.query<{ token: number }>(`select token from lease where name like 'push:%'`)
      return rows[0]!.token
    }
  },
}
