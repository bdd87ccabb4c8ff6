import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CausewayError, type JsonObject, JsonText } from '../../src/core/index.ts'
import type { MapOutput } from '../../src/mapping/index.ts'
import { type PlannedChange, planSync } from '../../src/pipeline/plan.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const toErp: TestSync = {
  name: 'to-erp',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (contact) => one(contact),
}
const email = 'same@example.test'

function systems(abilities: Parameters<MemorySystem['stream']>[1] = {}) {
  return {
    crm: new MemorySystem().stream('contacts'),
    erp: new MemorySystem().stream('customers', abilities),
  }
}

/** Pulls, and pushes until nothing is due any more. */
async function deliver(hub: TestHub): Promise<void> {
  await hub.pull('crm:contacts')
  for (let push = 0; push < 4; push++) {
    await hub.push('to-erp')
    await hub.skipWaits()
  }
}

const names = (erp: MemorySystem) => erp.list('customers').map(({ body }) => body.name)

async function letters(hub: TestHub, state = 'open') {
  const { rows } = await hub.pool.query<{ record_id: string; code: string; error: string }>(
    'select record_id, code, error from dead_letter where state = $1 order by record_id',
    [state],
  )
  return rows
}

/** Two that differ, of which `a` was delivered first. */
async function twins(hub: TestHub, crm: MemorySystem): Promise<void> {
  crm.put('contacts', 'a', { email, name: 'First' })
  await deliver(hub)
  crm.put('contacts', 'b', { email, name: 'Second' })
  await deliver(hub)
}

test.each([
  ['created', {}, false],
  ['upserted', { upsert: true, upsertBy: ['email'] }, false],
  ['known in the target', {}, true],
  ['replaced as a whole', { partialUpdate: false }, true],
])(
  'of two duplicates that differ and are %s, one is delivered and a letter names both',
  async (_, abilities, known) => {
    const { crm, erp } = systems(abilities)
    if (known) erp.put('customers', 't', { email, name: 'Known' })
    crm.put('contacts', 'a', { email, name: 'First' })
    crm.put('contacts', 'b', { email, name: 'Second' })
    const hub = await TestHub.open({ crm, erp }, [toErp])
    await deliver(hub)
    expect(erp.journal).toHaveLength(1)
    const [letter, ...more] = await letters(hub)
    expect(more).toEqual([])
    expect(letter).toMatchObject({ code: 'CSW-5026' })
    expect(JSON.parse(letter!.error)).toMatchObject({
      data: { first: letter!.record_id === 'a' ? 'b' : 'a', record: letter!.record_id, fields: ['name'] },
    })
    expect(letter!.error).toContain('"a\\"')
    expect(letter!.error).toContain('"b\\"')
  },
)

test.each([
  ['updates', {}],
  ['upserts', { upsert: true, upsertBy: ['email'], update: false }],
])('a target of %s never alternates between its duplicates, whatever is edited', async (_, abilities) => {
  const edit = fc.record({ id: fc.constantFrom('a', 'b', 'c'), name: fc.constantFrom('x', 'y', 'z') })
  const { crm, erp } = systems(abilities)
  const hub = await TestHub.open({ crm, erp }, [toErp])
  let cases = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 3 }), { minLength: 1, maxLength: 5 }), async (rounds) => {
      const own = `${cases++}@example.test`
      const began = erp.journal.length
      const put = (id: string, name: string) =>
        crm.put('contacts', `${id} ${own}`, { email: own, name: `${id} ${name}` })
      put('a', 'first')
      await deliver(hub)
      for (const [i, round] of rounds.entries()) {
        for (const { id, name } of round) put(id, `${name} ${i}`)
        await deliver(hub)
        const stands = crm.list('contacts').find(({ id }) => id === `a ${own}`)!.body.name
        expect(erp.list('customers').flatMap(({ body }) => (body.email === own ? [body.name] : []))).toEqual([stands])
      }
      const writers = erp.journal.slice(began).map(({ values }) => String(values.name).slice(0, 2))
      expect(new Set(writers)).toEqual(new Set(['a ']))
      const told = (await letters(hub)).flatMap(({ record_id }) => (record_id.endsWith(` ${own}`) ? [record_id] : []))
      const others = crm.list('contacts').filter(({ id }) => id.endsWith(` ${own}`) && !id.startsWith('a '))
      expect(told).toEqual(others.map(({ id }) => id).sort())
    }),
    { numRuns: 8 },
  )
})

test('once the first of two duplicates is deleted, the target stays and gets the values of the other', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, deletes: 'delete' }])
  await twins(hub, crm)
  expect(await letters(hub)).toHaveLength(1)
  crm.remove('contacts', 'a')
  await deliver(hub)
  expect(names(erp)).toEqual(['Second'])
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create', 'update'])
  expect(await letters(hub)).toEqual([])
})

test('a duplicate that is merged away in the source takes its letter along', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, deletes: 'delete' }])
  await twins(hub, crm)
  crm.remove('contacts', 'b')
  await deliver(hub)
  expect(names(erp)).toEqual(['First'])
  expect(await letters(hub)).toEqual([])
})

test('a record that was no duplicate gets a target of its own once its key is its own', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp])
  await twins(hub, crm)
  crm.put('contacts', 'b', { email: 'own@example.test', name: 'Second' })
  await deliver(hub)
  // What it is now is told once more, for both may have changed their key; the next look finds what is right.
  expect(names(erp)).toEqual(['First'])
  await hub.pool.query("update delivery set state = 'pending', next_attempt_at = now() where record_id = 'b'")
  await deliver(hub)
  expect(names(erp)).toEqual(['First', 'Second'])
  expect(await letters(hub)).toEqual([])
})

test('duplicates that are changed alike stay one, without a letter', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp])
  for (const id of ['a', 'b']) crm.put('contacts', id, { email, name: 'Same' })
  await deliver(hub)
  for (const id of ['b', 'a']) crm.put('contacts', id, { email: 'new@example.test', name: 'Same' })
  await deliver(hub)
  expect(erp.list('customers').map(({ body }) => body.email)).toEqual(['new@example.test'])
  expect(await letters(hub)).toEqual([])
})

test('duplicates that map different fields write one record together', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp])
  crm.put('contacts', 'a', { email, name: 'First' })
  await deliver(hub)
  crm.put('contacts', 'b', { email, phone: '1' })
  await deliver(hub)
  expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email, name: 'First', phone: '1' }])
  expect(await letters(hub)).toEqual([])
})

test('a record that was filtered out does not keep its target from another one', async () => {
  const { crm, erp } = systems()
  const run = (contact: JsonObject) => (contact.left ? { status: 'filtered' as const } : one(contact))
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, run }])
  await twins(hub, crm)
  crm.put('contacts', 'a', { email, name: 'First', left: true })
  crm.put('contacts', 'b', { email, name: 'Third' })
  await deliver(hub)
  expect(names(erp)).toEqual(['Third'])
})

test('what is known of a stream by its hashes only keeps duplicates apart as well', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp], undefined, { 'crm:contacts': 'hash' })
  await twins(hub, crm)
  crm.put('contacts', 'c', { email, name: 'First' })
  await deliver(hub)
  expect(names(erp)).toEqual(['First'])
  expect((await letters(hub)).map(({ record_id }) => record_id)).toEqual(['b'])
})

test('a plan names the letter instead of the write', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp])
  await twins(hub, crm)
  const { row } = hub.ports.model().syncByName('to-erp')!
  const planned: PlannedChange[] = []
  for await (const changes of planSync(hub.ports, row.id, { limit: 10, signal: new AbortController().signal }))
    planned.push(...changes)
  expect(planned.find(({ record }) => record === 'b')).toMatchObject({ action: 'dead', error: { code: 'CSW-5026' } })
})

test('while nothing of the first one has been delivered the other waits, ever longer, and writes nothing', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [toErp])
  await twins(hub, crm)
  // As after a person made one entity of records that were never delivered.
  await hub.pool.query(
    "update delivery set delivered = null, state = 'dead', error = null, next_attempt_at = null where record_id = 'a'",
  )
  const waits: number[] = []
  for (let look = 0; look < 2; look++) {
    await hub.pool.query("update delivery set state = 'pending', next_attempt_at = now() where record_id = 'b'")
    await hub.push('to-erp')
    const { rows } = await hub.pool.query<{ s: number; state: string }>(
      "select extract(epoch from next_attempt_at - now())::float8 as s, state from delivery where record_id = 'b'",
    )
    expect(rows[0]!.state).toBe('pending')
    waits.push(rows[0]!.s)
  }
  expect(waits[0]).toBeLessThan(10)
  expect(waits[1]).toBeGreaterThan(200)
  expect(names(erp)).toEqual(['First'])
})

test.each([
  ['is deleted', (crm: MemorySystem) => crm.remove('contacts', 'a')],
  ['is filtered out', (crm: MemorySystem) => crm.put('contacts', 'a', { email, name: 'First', left: true })],
])('a target that is left as it is when its first record %s is that of the other one then', async (_, leave) => {
  const { crm, erp } = systems()
  const run = (contact: JsonObject) => (contact.left ? { status: 'filtered' as const } : one(contact))
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, run }])
  await twins(hub, crm)
  expect(await letters(hub)).toHaveLength(1)
  leave(crm)
  await deliver(hub)
  expect(names(erp)).toEqual(['Second'])
  expect(await letters(hub)).toEqual([])
})

test('a part that was woken because its target is free, and is wanted no more, is not looked at for ever', async () => {
  const { crm, erp } = systems()
  const run = ({ emails, fails, name }: JsonObject): MapOutput =>
    fails
      ? { status: 'failed', error: new CausewayError('CSW-4001', { what: 'it fails' }).toJSON() }
      : {
          status: 'mapped',
          parts: (emails as string[]).map((one) => ({
            part: one,
            values: JsonText.of({ email: one, name: name! }),
            references: [],
          })),
        }
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, run, multipart: true, deletes: 'delete' }])
  crm.put('contacts', 'a', { emails: [email], name: 'First' })
  await deliver(hub)
  crm.put('contacts', 'b', { emails: [email], name: 'Second' })
  await deliver(hub)
  expect((await letters(hub)).map(({ code }) => code)).toEqual(['CSW-5026'])
  crm.put('contacts', 'b', { emails: [email], name: 'Second', fails: true })
  await deliver(hub)
  crm.remove('contacts', 'a')
  await hub.pull('crm:contacts')
  const stop = AbortSignal.timeout(5_000)
  await hub.push('to-erp', 0, stop)
  expect(stop.aborted).toBe(false)
  const { rows } = await hub.pool.query('select record_id, part from delivery where next_attempt_at <= now()')
  expect(rows).toEqual([])
})

test('what a sync that is gone has delivered of the first one keeps nobody from its target', async () => {
  const { crm, erp } = systems()
  const before = await TestHub.open({ crm, erp }, [toErp])
  await twins(before, crm)
  const renamed = { ...toErp, name: 'to-the-erp' }
  const hub = await TestHub.open({ crm, erp }, [renamed], before.pool)
  for (const id of ['a', 'b']) crm.put('contacts', id, { email, name: 'Same' })
  await hub.pull('crm:contacts')
  for (let push = 0; push < 4; push++) {
    await hub.push('to-the-erp')
    await hub.skipWaits()
  }
  expect(names(erp)).toEqual(['Same'])
  expect(await hub.states('to-the-erp')).not.toHaveProperty('dead')
})
