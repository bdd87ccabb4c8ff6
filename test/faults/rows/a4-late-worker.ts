import type { Program } from '../rig/program.ts'
import type { Check, Row } from '../rig/row.ts'
import { sleep, until } from '../rig/waiting.ts'
import type { World } from '../rig/world.ts'

const RECORDS = 20
/** A worker that was frozen while it opened a connection to Postgres comes to no late write: it has lost that connection. */
const ROUNDS = 3

export const row: Row = {
  id: 'A4',
  title: 'a stopped worker wakes up late',
  holds: ['I2', 'I3'],
  promise:
    'A worker that was frozen for longer than its lease cannot write to the ledger any more, and the target has the newest state one cycle later.',
  method:
    'SIGSTOP in the middle of a call, a second worker takes over and delivers newer versions, SIGCONT; then the same in the middle of a transaction that holds rows. The late commit is refused by the fencing token, nothing is doubled, and the target holds the newest versions.',
  world: { lanes: 1 },
  async run(world, check) {
    const { hub, target } = world
    await hub.serve()
    const first = await hub.work()
    await sendVersions(world, 1)
    await until(
      'the first versions are delivered',
      () => target.creates,
      (count) => count === RECORDS,
      20_000,
    )
    await world.drained(20_000)

    let worker = first
    let rev = 1
    let refused = false
    for (let round = 1; round <= ROUNDS && !refused; round++) {
      const [sent, newer] = [++rev, ++rev]
      const late = worker
      worker = await takeOver(world, check, { frozen: late, rev: newer, freeze: () => inACall(world, late, sent) })
      refused = late.output().includes('CSW-6004')
      await late.kill()
    }
    check.equal('refusals in the late worker', refused, true)
    const [sent, last] = [++rev, ++rev]
    await takeOver(world, check, { frozen: worker, rev: last, freeze: () => inATransaction(world, worker, sent) })

    const { stale, ...others } = await world.ledgers({ events: true })
    // A call that was on its way when the worker froze may arrive late; what counts is what stands in the end.
    check.note('writes that went back', stale)
    check.ledgers({ ...others, stale: RECORDS - newest(world, last), examples: [] })
    check.equal('processes that fell over', hub.crashed().length, 0)
  },
}

/** Freezes one worker, lets another one deliver what comes then, and wakes the first; gives the other one. */
async function takeOver(
  world: World,
  check: Check,
  { frozen, rev, freeze }: { frozen: Program; rev: number; freeze: () => Promise<void> },
): Promise<Program> {
  await freeze()
  const frozenAt = performance.now()
  const successor = await world.hub.work()
  await sendVersions(world, rev)
  await until(
    'others have delivered the newest',
    () => newest(world, rev),
    (count) => count === RECORDS,
    60_000,
  )
  check.within(`taken over after (${rev})`, performance.now() - frozenAt, 20_000)
  const tokenBefore = await token(world)
  frozen.signal('SIGCONT')
  await sleep(3_000)
  check.within(`drained (${rev})`, await world.drained(20_000), 20_000)
  check.atLeast(`token (${rev})`, await token(world), tokenBefore)
  check.equal(`newest in the target (${rev})`, newest(world, rev), RECORDS)
  return successor
}

async function inACall(world: World, worker: Program, rev: number): Promise<void> {
  const { target } = world
  target.delayMs = 1_000
  const before = target.calls.length
  await sendVersions(world, rev)
  await until(
    'writes are under way',
    () => target.calls.length,
    (count) => count > before,
    20_000,
    5,
  )
  worker.signal('SIGSTOP')
  target.delayMs = 0
}

/** The worker waits for a lock when it is frozen, and gets it then: its transaction stands open and holds its rows. */
async function inATransaction(world: World, worker: Program, rev: number): Promise<void> {
  const blocker = await world.pool.connect()
  try {
    await blocker.query('begin; lock table delivery in share mode')
    await sendVersions(world, rev)
    await until(
      'the worker waits for the lock',
      () => sessions(world, 'cardinality(pg_blocking_pids(pid)) > 0'),
      Boolean,
      20_000,
    )
    worker.signal('SIGSTOP')
    await blocker.query('commit')
  } finally {
    blocker.release(true)
  }
  await until('it holds what it has', () => sessions(world, `state = 'idle in transaction'`), Boolean, 5_000)
}

async function sessions({ pool }: World, condition: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
  )
  return rows[0]!.n
}

function sendVersions({ sender }: World, rev: number): Promise<unknown> {
  return Promise.all(
    Array.from({ length: RECORDS }, (_, i) => sender.sendUntilTaken(sender.event({ id: `c${i}`, rev }))),
  )
}

function newest({ target }: World, rev: number): number {
  return [...target.customers.values()].filter((customer) => customer.rev === rev).length
}

async function token({ pool }: World): Promise<number> {
  const { rows } = await pool.query<{ token: number }>(`select token from lease where name like 'push:%'`)
  return rows[0]!.token
}
