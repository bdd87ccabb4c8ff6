import type { Row } from '../rig/row.ts'
import { tablesWith } from '../rig/traces.ts'
import type { World } from '../rig/world.ts'

/** Nobody else has this name. */
const CANARY = 'Kanarie Vogelsang-4711'

/** All processes end as in a power cut. */
async function end({ hub }: World): Promise<void> {
  await hub.stop()
  hub.workers.length = 0
}

/** Asks for a pull and waits until all of it is delivered. */
async function run(world: World, full: boolean): Promise<void> {
  await world.hub.api('POST', '/syncs/contacts/run', { full })
  await world.drained(180_000)
}

export const row: Row = {
  id: 'L2',
  title: 'a ledger restored from a dump, and erased people',
  holds: ['I2', 'I3', 'I5', 'I10'],
  promise:
    'After the restore of an older dump nothing is created twice, every record has its link and its newest state again, and who was erased stays erased.',
  method:
    'Records are created and changed, and a person is erased while that person is read and delivered, after the dump; then the dump takes the place of the ledger under all processes. One full run: 0 duplicates, 0 orphans, nothing stale, the canary found in no table and no log.',
  world: { lanes: 2, batch: true },
  async run(world, check, { short }) {
    const { hub, postgres, source, target, pool } = world
    const count = short ? 60 : 2_000
    const name = new URL(world.databaseUrl).pathname.slice(1)
    const dump = `${name}_dump`
    source.fill(count)
    source.put('canary', { name: CANARY })
    await world.start(2)
    await run(world, true)
    await end(world)
    await postgres.copy(name, dump)

    await world.start(2)
    source.fill(count / 2, 'late')
    for (let i = 0; i < count / 3; i++) source.put(`c${i}`, { name: `Changed ${i}` })
    source.put('canary', { name: CANARY })
    await hub.api('POST', '/syncs/contacts/run', { full: false })
    // While it is read, mapped and delivered.
    await hub.api('POST', '/erasures', { field: 'name', value: CANARY })
    await world.drained(180_000)
    // What was under way in that moment was written before or is found by a second look; neither may bring it back.
    await hub.api('POST', '/erasures', { field: 'name', value: CANARY })
    check.equal('traces after the erasure', (await tablesWith(pool, CANARY)).join(), '')
    check.equal('created', target.creates, source.contacts.size)
    await end(world)

    const began = performance.now()
    await postgres.copy(dump, name)
    check.equal('links lost', target.customers.size - (await linked(world)), count / 2)
    await hub.serve()
    await Promise.all([hub.work(), hub.work()])
    await run(world, true)
    check.within('restored', performance.now() - began, 15 * 60_000)
    check.equal('traces after the restore', (await tablesWith(pool, CANARY)).join(), '')
    check.equal('traces in logs', hub.output().includes(CANARY), false)
    check.equal('created in all', target.creates, source.contacts.size)
    // Who was erased gets no newer state, which is what the erasure wants.
    source.contacts.delete('canary')
    check.ledgers(await world.ledgers({ pulls: true }))
  },
}

async function linked({ pool }: World): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    'select count(distinct record_id)::int as n from link where stream_id in (select to_stream from sync)',
  )
  return rows[0]!.n
}
