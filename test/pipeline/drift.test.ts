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

test('hold: a record that parks while a person accepts is delivered all the same', async () => {
  const { crm, erp, hub } = await open('hold')
  const { ledger } = hub.ports
  crm.put('contacts', 'c1', { ...body(1), address: { city: 7 } })
  await hub.pull('crm:contacts')
  const { id } = (await drifts(hub))[0]!
  const { readOpenDrifts } = ledger
  ledger.readOpenDrifts = async (streamId) => {
    const changes = await readOpenDrifts(streamId)
    await ledger.acceptDrift(id, 'me')
    return changes
  }
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 0, drifted: 1 } })
  await hub.skipWaits()
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 1 } })
  expect(erp.journal.at(-1)!.values).toEqual({ city: 7 })
})

test('continue: a field that is gone from a stream of thirty records is noticed by the third pull', async () => {
  const { crm, hub } = await open()
  for (let pull = 1; pull <= 3; pull++) {
    for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, phone: '1', address: {} })
    await hub.pull('crm:contacts')
    expect(await drifts(hub)).toHaveLength(pull < 3 ? 0 : 1)
  }
  expect((await drifts(hub))[0]!.changes).toMatchObject([{ kind: 'vanished', field: 'address.city' }])
})

test('hold: all that is held looks again in one run', async () => {
  const { crm, hub } = await open('hold')
  const looks: unknown[] = []
  for (const [i, id] of ['c1', 'c2'].entries()) {
    crm.put('contacts', id, { ...body(i), number: `n${id.slice(1)}`, address: { city: 7 } })
    await hub.pull('crm:contacts')
    await hub.push('copy')
    await hub.pool.query('update delivery set next_attempt_at = now() where record_id = $1', [id])
    // The second is held some minutes after the first.
    hub.ports.clock = { ...hub.ports.clock, now: () => new Date(Date.UTC(2100, 0, 1, 10, 20 + 7 * i)) }
    await hub.push('copy')
    const { rows } = await hub.pool.query('select next_attempt_at as at from delivery where record_id = $1', [id])
    looks.push(rows[0].at.toISOString())
  }
  expect(looks).toEqual(Array(2).fill('2100-01-01T11:00:00.000Z'))
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

test('pause: a lane that waits for the next page of the pull does not send what shows the drift', async () => {
  const { crm, erp, hub } = await open('pause')
  const { wakes } = hub.ports
  const [page, write] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  crm.put('contacts', 'c1', { ...body(1), address: { city: 'Moved' } })
  await hub.pull('crm:contacts')
  crm.put('contacts', 'c2', { ...body(2), address: { city: 7 } })
  const read = crm.read.bind(crm)
  crm.read = async function* (request) {
    await page.promise
    yield* read(request)
  }
  erp.onWrite = () => write.promise
  const wait = wakes.wait.bind(wakes)
  wakes.wait = (...of) => {
    page.resolve()
    return wait(...of)
  }
  const begun = Promise.withResolvers<void>()
  const pullBegins = wakes.pullBegins.bind(wakes)
  wakes.pullBegins = (stream) => {
    pullBegins(stream)
    begun.resolve()
  }
  const pulled = hub.pull('crm:contacts')
  await begun.promise
  const pushed = hub.push('copy')
  expect(await pulled).toMatchObject({ counts: { drift: 1 } })
  write.resolve()
  expect(await pushed).toMatchObject({ outcome: 'cancelled', counts: { updated: 1 } })
  expect(erp.journal.at(-1)!.values).toEqual({ city: 'Moved' })
})

test('pause: of two drifts the sync waits for both', async () => {
  const { crm, hub } = await open('pause')
  const { row } = hub.ports.model().syncByName('copy')!
  crm.put('contacts', 'c1', { ...body(1), address: { city: 7 } })
  await hub.pull('crm:contacts')
  crm.put('contacts', 'c2', { ...body(2), number: 7 })
  await hub.pull('crm:contacts')
  const [second, first] = await drifts(hub)
  expect(await hub.ports.ledger.acceptDrift(first!.id, 'me')).toEqual({ syncs: [] })
  expect(await hub.ports.ledger.readSync(row.id)).toMatchObject({ state: 'paused' })
  expect(await hub.ports.ledger.acceptDrift(second!.id, 'me')).toEqual({ syncs: [row.id] })
  expect(await hub.ports.ledger.readSync(row.id)).toMatchObject({ state: 'active' })
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

test('of random histories only a field that every record had vanishes, after many records of several pulls', () => {
  let vanished = 0
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const shape = emptyShape()
    // What a history is like: how many records there are, how often a field is missing, whether kinds come one after the other.
    const people = 1 + random.between(0, 300)
    const share = [0.5, 0.9, 0.995, 1][seed % 4]!
    const gone = 20 + random.between(0, 580)
    let had = 0
    let lacked = 0
    let ids = new Set<string>()
    let pulls = new Set<number>()
    let count = 0
    for (let pull = 0; pull < 25; pull++) {
      const inKind = random.chance(share)
      for (let i = random.between(0, 60); i >= 0; i--) {
        const id = `r${random.between(0, people)}`
        const has = count++ < gone && (seed % 2 ? inKind : random.chance(share))
        const record: JsonObject = {
          id,
          address: has ? { city: 'x' } : {},
          items: random.chance(0.5) ? [] : [{ sku: 1 }],
        }
        if (has && !lacked) had++
        if (has && lacked) lacked = Number.POSITIVE_INFINITY
        if (!has) {
          lacked++
          ids.add(id)
          pulls.add(pull)
        }
        const changes = observe(shape, record, { id, pull, learning: pull === 0 }).filter(
          ({ kind }) => kind === 'vanished',
        )
        if (pull === 0 && !has) lacked = Number.POSITIVE_INFINITY
        const expected =
          had >= 20 && Number.isFinite(lacked) && ids.size >= Math.min(50, Math.max(10, had / 4)) && pulls.size >= 3
        if (!changes.length && !expected) continue
        expect(
          changes.map(({ field }) => field),
          `seed ${seed}, record ${count}`,
        ).toEqual(expected ? ['address.city'] : [])
        vanished++
        lacked = Number.POSITIVE_INFINITY
        ids = new Set()
        pulls = new Set()
      }
    }
  }
  expect(vanished).toBeGreaterThan(3)
})

test('where a sync asks for care, ten records without a field that twenty had are enough', () => {
  const after = (had: (i: number) => boolean, idOf: (i: number) => string = String): number => {
    const shape = emptyShape()
    for (let i = 0; i < 20; i++)
      observe(shape, had(i) ? { field: 'y' } : { x: 1 }, { id: String(i), pull: 1, learning: true })
    for (let missing = 1; missing < 200; missing++)
      if (
        observe(shape, { x: 1 }, { id: idOf(missing), pull: 2, closely: true }).some(({ kind }) => kind === 'vanished')
      )
        return missing
    return Number.POSITIVE_INFINITY
  }
  expect(after(() => true)).toBe(10)
  // All companies come before all persons.
  expect(after((i) => i < 10)).toBe(Number.POSITIVE_INFINITY)
  // Reads overlap: the last record comes again with each pull.
  expect(
    after(
      () => true,
      () => 'last',
    ),
  ).toBe(Number.POSITIVE_INFINITY)
})

test('parts of what is null or empty are not missed', () => {
  const shape = emptyShape()
  const changes: ShapeChange[] = []
  const look = (id: number, record: JsonObject) =>
    changes.push(...observe(shape, record, { id: String(id), pull: id, learning: id < 300, closely: true }))
  for (let id = 0; id < 300; id++) look(id, { address: { geo: { lat: 1 } }, items: [{ sku: 'a' }] })
  for (let id = 300; id < 600; id++) look(id, { address: null, items: [] })
  expect(changes).toEqual([])
})

test('keys made of data fill no memory, and schemas that say nothing change nothing', () => {
  const shape = emptyShape()
  for (let i = 0; i < 3_000; i++) observe(shape, { [`key${i}`]: 1, __proto__: 'x' }, { id: String(i), pull: i % 9 })
  expect(Object.keys(shape.fields).length).toBeLessThanOrEqual(1_000)
  expect(compareDeclared(shape, {})).toEqual([])
  expect(compareDeclared(shape, { properties: { a: { $ref: '#/x' } } })).toEqual([
    { kind: 'new', field: 'a', before: [], after: [], by: 'schema' },
  ])
})
