/** A source changes the form of its records: noticed by the pull, before anything of it is delivered. */
import { expect, test } from 'vitest'
import { CausewayError, type JsonObject } from '../../src/core/index.ts'
import { compareDeclared, emptyShape, observe, type ShapeChange } from '../../src/pipeline/shape.ts'
import { listDrifts, listProblems } from '../../src/store/views/index.ts'
import { Random } from '../random.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const MAPPING = `from: crm:contacts
to: erp:customers
map:
  number: number
  city: address.city
`
const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['number']],
  source: MAPPING,
  run: ({ number, address }) => one({ number: number!, city: (address as JsonObject)?.city ?? null }),
}
const body = (i: number): JsonObject => ({ number: `n${i}`, phone: '1', address: { city: `City ${i}` } })

async function open(onDrift?: TestSync['onDrift']) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, body(i))
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, ...(onDrift ? { onDrift } : {}) }])
  expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'success', counts: { read: 30 } })
  await hub.push('copy')
  expect((await listDrifts(hub.pool, { limit: 10 })).items).toEqual([])
  return { crm, erp, hub }
}
const drifts = async (hub: TestHub) => (await listDrifts(hub.pool, { limit: 10 })).items

test('a changed type is named with the line that reads it, once; by default everything goes on', async () => {
  const { crm, erp, hub } = await open()
  crm.put('contacts', 'c1', { ...body(1), address: { city: 7 } })
  const run = await hub.pull('crm:contacts')
  expect(run).toMatchObject({ outcome: 'success', counts: { drift: 1 } })
  expect(await drifts(hub)).toMatchObject([
    {
      stream: 'crm:contacts',
      runId: run!.runId,
      state: 'open',
      changes: [
        {
          kind: 'type',
          field: 'address.city',
          before: ['text'],
          after: ['number'],
          touches: [
            { sync: 'copy', key: 'map.city', expression: 'address.city', place: { file: 'copy.yaml', line: 5 } },
          ],
        },
      ],
    },
  ])
  expect(await listProblems(hub.pool)).toMatchObject([
    { code: 'CSW-5019', status: 'drift', connection: 'crm', count: 1, syncs: ['copy'], sample: run!.runId },
  ])
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 1 } })
  expect(erp.journal.at(-1)!.values).toEqual({ city: 7 })
  crm.put('contacts', 'c2', { ...body(2), address: { city: 8 } })
  expect((await hub.pull('crm:contacts'))!.counts).not.toHaveProperty('drift')
})

test('hold: records of the new form wait until a person accepts it, the others do not', async () => {
  const { crm, erp, hub } = await open('hold')
  crm.put('contacts', 'c1', { ...body(1), address: { city: 7 } })
  crm.put('contacts', 'c2', { ...body(2), address: { city: 'Moved' } })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ outcome: 'partial', counts: { updated: 1, drifted: 1, dead: 0 } })
  await hub.skipWaits()
  await hub.push('copy')
  expect(erp.journal.filter(({ operation }) => operation === 'update').map(({ values }) => values)).toEqual([
    { city: 'Moved' },
  ])
  // Mended in the source, it goes on by itself.
  crm.put('contacts', 'c1', { ...body(1), address: { city: 'Mended' } })
  crm.put('contacts', 'c3', { ...body(3), address: { city: 9 } })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 1, drifted: 1 } })
  const { id } = (await drifts(hub))[0]!
  const row = hub.ports.model().syncByName('copy')!.row
  expect(await hub.ports.ledger.acceptDrift(id, 'me')).toEqual({ syncs: [row.id] })
  expect(await hub.ports.ledger.acceptDrift(id, 'me')).toBeUndefined()
  expect(await hub.push('copy')).toMatchObject({ outcome: 'success', counts: { updated: 1, drifted: 0 } })
  expect(erp.journal.at(-1)!.values).toEqual({ city: 9 })
  expect(await listProblems(hub.pool)).toEqual([])
})

test('pause: the sync stops before it delivers anything of it, and goes on when it is accepted', async () => {
  const { crm, erp, hub } = await open('pause')
  const before = erp.journal.length
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, address: {} })
  await hub.pull('crm:contacts')
  const { row } = hub.ports.model().syncByName('copy')!
  expect(await hub.ports.ledger.readSync(row.id)).toMatchObject({ state: 'paused' })
  expect(await hub.push('copy')).toBeNull()
  expect(erp.journal).toHaveLength(before)
  const { id, changes } = (await drifts(hub))[0]!
  // The phone is gone too, and no line reads it.
  expect(changes).toMatchObject([
    { kind: 'vanished', field: 'phone', touches: [] },
    { kind: 'vanished', field: 'address.city', touches: [{ key: 'map.city' }] },
  ])
  await hub.ports.ledger.acceptDrift(id, 'me')
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 30 } })
})

test('a pause that a person ordered is not ended by accepting a drift', async () => {
  const { crm, hub } = await open('pause')
  const { row } = hub.ports.model().syncByName('copy')!
  await hub.ports.ledger.setSyncState(row.id, 'paused', 'holidays')
  crm.put('contacts', 'c1', { ...body(1), number: 7 })
  await hub.pull('crm:contacts')
  await hub.ports.ledger.acceptDrift((await drifts(hub))[0]!.id, 'me')
  expect(await hub.ports.ledger.readSync(row.id)).toMatchObject({ state: 'paused' })
})

test('new fields, and changes that no mapping reads, are reported and ask nobody', async () => {
  const { crm, hub } = await open('pause')
  crm.put('contacts', 'c1', { ...body(1), phone: 1, mobile: { private: '2' } })
  await hub.pull('crm:contacts')
  expect(await drifts(hub)).toMatchObject([
    {
      state: 'accepted',
      actor: null,
      changes: [
        { kind: 'type', field: 'phone', touches: [] },
        { kind: 'new', field: 'mobile', after: ['object'], touches: [] },
      ],
    },
  ])
  expect(await listProblems(hub.pool)).toEqual([])
})

test('what the system declares is compared before a record is read', async () => {
  const { crm, hub } = await open('pause')
  const info = crm.streams.get('contacts')!
  const schema = (properties: object) => {
    Object.assign(crm, {
      describe: async () => ({ ...info, readSchema: { type: 'object', properties } }),
    })
  }
  const address = { type: 'object', properties: { city: { type: 'string' } } }
  schema({ number: { type: 'string' }, address })
  await hub.pull('crm:contacts')
  expect(await drifts(hub)).toEqual([])
  schema({ number: { type: ['integer', 'null'] }, address })
  crm.read = async function* () {
    yield* []
    throw new CausewayError('CSW-3001', { what: 'down' })
  }
  await hub.pull('crm:contacts')
  expect(await drifts(hub)).toMatchObject([
    { changes: [{ kind: 'type', field: 'number', before: ['text'], after: ['number'], by: 'schema' }] },
  ])
  expect(await hub.push('copy')).toBeNull()
})

test('fields that are often empty or missing are no drift, whatever the share', () => {
  const random = new Random(7)
  for (const share of [0.02, 0.2, 0.5, 0.9, 0.99]) {
    const shape = emptyShape()
    const changes: ShapeChange[] = []
    for (let i = 0; i < 3_000; i++) {
      const record: JsonObject = { id: String(i), maybe: random.chance(0.5) ? null : 'x' }
      if (random.chance(share)) record.sometimes = { deep: ['a'] }
      changes.push(...observe(shape, record))
    }
    expect(
      changes.filter(({ kind }) => kind !== 'new'),
      String(share),
    ).toEqual([])
  }
})

test('a field that every record had is missed after a few; one that only some had is not', () => {
  const after = (had: (i: number) => boolean): number => {
    const shape = emptyShape()
    for (let i = 0; i < 100; i++) observe(shape, had(i) ? { id: 'x', field: 'y' } : { id: 'x' }, { learning: true })
    for (let missing = 1; missing < 200; missing++)
      if (observe(shape, { id: 'x' }).some(({ kind, field }) => kind === 'vanished' && field === 'field'))
        return missing
    return Number.POSITIVE_INFINITY
  }
  expect(after(() => true)).toBeLessThanOrEqual(4)
  // All companies come before all persons.
  expect(after((i) => i < 50)).toBe(Number.POSITIVE_INFINITY)
})

test('keys made of data fill no memory, and schemas that say nothing change nothing', () => {
  const shape = emptyShape()
  for (let i = 0; i < 3_000; i++) observe(shape, { [`key${i}`]: 1, __proto__: 'x' })
  expect(Object.keys(shape.fields).length).toBeLessThanOrEqual(1_000)
  expect(compareDeclared(shape, {})).toEqual([])
  expect(compareDeclared(shape, { properties: { a: { $ref: '#/x' } } })).toEqual([
    { kind: 'new', field: 'a', before: [], after: [], by: 'schema' },
  ])
})
