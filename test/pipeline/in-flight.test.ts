/** Two batches of a lane under way: they overlap, are committed in order, and never hold one record twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WriteItem } from '../../src/connector/index.ts'
import { breakLeases } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (contact) => one({ email: contact.email!, name: contact.name! }),
}
const person = (i: number, name = `Person ${i}`) => ({ email: `p${i}@example.test`, name })

async function open(contacts: number) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  crm.pageSize = 1_000
  for (let i = 0; i < contacts; i++) crm.put('contacts', `c${i}`, person(i))
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  return { crm, erp, hub }
}
/** Which person an item is about; an update names only what changes, which is the name. */
const personOf = (item: WriteItem): number => Number(String(item.values.name).match(/\d+/)![0])

test('the next batch is sent while the target works on one, and no third', async () => {
  const { erp, hub } = await open(1_500)
  const second = Promise.withResolvers<void>()
  let [calls, active, most] = [0, 0, 0]
  erp.onWrite = async () => {
    calls++
    most = Math.max(most, ++active)
    if (calls === 2) second.resolve()
    // The first call ends only when there was a second one.
    await second.promise
    await sleep(20)
    active--
  }
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { created: 1_500 } })
  expect(most).toBe(2)
})

test('a record that changes while it is under way is sent again afterwards, never beside itself', async () => {
  const { crm, erp, hub } = await open(500)
  const active = new Set<number>()
  let again: number[] | undefined
  erp.onWrite = async (items) => {
    const people = items.map(personOf)
    expect(people.filter((one) => active.has(one))).toEqual([])
    for (const one of people) active.add(one)
    if (!again) {
      for (const i of people) crm.put('contacts', `c${i}`, person(i, `New ${i}`))
      again = people
      await hub.pull('crm:contacts')
      // Time enough for the lane to read what changed.
      await sleep(300)
    }
    await sleep(10)
    for (const one of people) active.delete(one)
  }
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success' })
  const names = new Map(erp.list('customers').map(({ body }) => [body.email, body.name]))
  expect(names.size).toBe(500)
  for (let i = 0; i < 500; i++)
    expect(names.get(`p${i}@example.test`)).toBe(again!.includes(i) ? `New ${i}` : `Person ${i}`)
})

test('a batch of which a part could not be sent is never passed over by the one beside it', async () => {
  const { crm, erp, hub } = await open(0)
  crm.put('contacts', 'c500', person(500, 'Before'))
  await hub.pull('crm:contacts')
  erp.fault = () => 'lost-answer'
  await hub.push('contacts')
  // A process died over this write: it is sent apart from the rest of its batch, which is the second of three.
  await hub.pool.query('update intent set deaths = 1')
  await hub.pool.query("update delivery set next_attempt_at = now() + interval '1 hour'")
  await hub.pool.query("update intent set opened_at = opened_at - interval '1 minute'")
  for (let i = 0; i < 1_200; i++) crm.put('contacts', `c${i}`, person(i))
  crm.pageSize = 2_000
  await hub.pull('crm:contacts')
  const third = Promise.withResolvers<void>()
  erp.fault = (_operation, item) => (personOf(item) === 500 ? 'down' : undefined)
  erp.onWrite = async (items) => {
    if (items.some((item) => personOf(item) >= 1_000)) third.resolve()
    // The second batch fails while the third is under way, where the lane lets it.
    if (items.some((item) => personOf(item) === 500)) await Promise.race([third.promise, sleep(1_000)])
  }
  await hub.push('contacts')
  erp.fault = () => undefined
  for (let round = 0; round < 3; round++) {
    await hub.skipWaits()
    await hub.push('contacts')
  }
  const names = new Set(erp.list('customers').map(({ body }) => body.name))
  expect(names.size).toBe(1_200)
  expect(erp.list('customers')).toHaveLength(1_200)
})

test('whatever fails in whichever batch, and wherever the lane is taken over: each record once, in the end (property)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('well', 'down', 'retry', 'lost', 'taken', 'stop'), { minLength: 8, maxLength: 8 }),
      async (fates) => {
        const { erp, hub } = await open(1_250)
        let calls = 0
        const stop = new AbortController()
        erp.fault = (_operation, item) => {
          const fate = fates[Math.min(calls, fates.length) - 1]
          const hit = personOf(item) % 7 === 0
          if (fate === 'down') return 'down'
          if (fate === 'retry') return hit ? 'retry' : undefined
          return fate === 'lost' && hit ? 'lost-answer' : undefined
        }
        erp.onWrite = async () => {
          const fate = fates[calls++]
          await sleep(5)
          if (fate === 'taken') await breakLeases(hub.pool)
          if (fate === 'stop') stop.abort()
        }
        await hub.push('contacts', 0, stop.signal).catch(() => null)
        // Whoever goes on finds what was under way, and meets failures of its own.
        await hub.skipWaits()
        await hub.push('contacts').catch(() => null)
        erp.fault = () => undefined
        erp.onWrite = async () => {}
        for (let round = 0; round < 4; round++) {
          await hub.skipWaits()
          await hub.push('contacts')
        }
        const created = erp.journal.filter(({ operation }) => operation === 'create').map(({ values }) => values.email)
        expect(new Set(created).size).toBe(1_250)
        expect(created).toHaveLength(1_250)
        const settled = await hub.pool.query("select 1 from delivery where state in ('delivered', 'unchanged')")
        expect(settled.rowCount).toBe(1_250)
      },
    ),
    { numRuns: 8 },
  )
})
