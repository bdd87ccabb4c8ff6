/** Streams kept as `used` and `hash`: what stays after delivery, what still works, and what says that it does not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Erasures } from '../../src/assemble/erasures.ts'
import { explainTarget } from '../../src/assemble/explaining.ts'
import { keepingSweep } from '../../src/assemble/keeping.ts'
import { CausewayError } from '../../src/core/index.ts'
import { compareMappings, FreshBodies, planSync, readInbox } from '../../src/pipeline/index.ts'
import {
  createLedger,
  createPool,
  createSecretStore,
  InboxWriter,
  type Keeping,
  MasterKeys,
  sealBodies,
} from '../../src/store/index.ts'
import { listProblems, showDeadLetter, showRecord } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['number']],
  source: 'from: crm:contacts\nto: erp:customers\nmap: { number: number, city: address.city }\n',
  reads: { source: [['number'], ['address', 'city']], joins: {} },
  run: (record) => one({ number: record.number!, city: (record.address as { city: string }).city }),
}
const body = (i: number) => ({
  number: String(i),
  name: `Secret Name ${i}`,
  email: `p${i}@example.test`,
  address: { city: `City ${i}`, street: `Secret Street ${i}` },
})

async function open(keeping: Keeping, syncs: TestSync[] = [sync]) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 5; i++) crm.put('contacts', `c${i}`, body(i))
  const { pool, url } = await freshDatabase()
  onTestFinished(() => pool.end())
  const folder = await mkdtemp(join(tmpdir(), 'causeway-keeping-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const keys = await MasterKeys.load({ file: join(folder, 'master-key') })
  const secrets = createSecretStore(pool, keys)
  sealBodies(pool, secrets)
  const hub = await TestHub.open({ crm, erp }, syncs, pool, { 'crm:contacts': keeping })
  const erasures = new Erasures(pool, secrets, folder)
  await erasures.open()
  await erasures.prepare()
  hub.ports.erasures = erasures
  const shrink = () => keepingSweep({ pool: hub.pool, ports: hub.ports, erasures }).run(signal)
  return { crm, erp, hub, erasures, keys, url, shrink }
}

const rowsOf = async (hub: TestHub) =>
  (
    await hub.pool.query<{ id: string; body: string | null; shrunk: boolean; version: string; hash: string }>(
      'select r.* from record r join stream s on s.id = r.stream_id where s.name = $1 order by id',
      ['contacts'],
    )
  ).rows
const bodiesOf = async (hub: TestHub) => (await rowsOf(hub)).map(({ body }) => body)
const signal = new AbortController().signal
const idOf = (hub: TestHub) => hub.ports.model().syncByName('copy')!.row.id

/** All that the ledger keeps besides the change log, as text. */
async function traces(hub: TestHub): Promise<string> {
  const { rows } = await hub.pool.query<{ t: string }>(
    'select delivered as t from delivery where delivered is not null',
  )
  const journal = await hub.pool.query<{ entries: Buffer }>('select entries from journal')
  return [
    ...rows.map(({ t }) => t),
    ...journal.rows.map(({ entries }) => zstdDecompressSync(entries).toString()),
  ].join()
}

test('full: nothing shrinks', async () => {
  const { hub, shrink } = await open('full')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  expect((await bodiesOf(hub)).map((text) => JSON.parse(text!))).toEqual([0, 1, 2, 3, 4].map(body))
})

test('used and hash: until all is delivered, bodies are sealed, and whoever has the key reads them', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const { hub, erasures, keys, url, shrink } = await open(keeping)
    await hub.pull('crm:contacts')
    const texts = await bodiesOf(hub)
    expect(new Set(texts.map((text) => text!.slice(0, 3)))).toEqual(new Set(['!1.']))
    for (const text of texts)
      expect(Buffer.from(text!.split('.')[2]!, 'base64').toString('latin1')).not.toMatch(/Secret|City/)
    const view = await showRecord(hub.pool, 'crm:contacts', 'c1')
    expect(JSON.parse((view!.log!.body as { text: string }).text)).toEqual(body(1))
    // Another process, which learned of the key from the ledger.
    const other = createPool(url)
    onTestFinished(() => other.end())
    const stream = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
    await expect(createLedger(other).readBodies(stream, ['c1'])).rejects.toMatchObject({ code: 'CSW-6007' })
    sealBodies(other, createSecretStore(other, keys))
    const [row] = await createLedger(other).readBodies(stream, ['c1'])
    expect(JSON.parse(row!.body!)).toEqual(body(1))
    // A person is found in what is sealed; a body that was moved to another record is none, and is asked for again.
    expect(await erasures.erase({ field: 'email', value: 'p2@example.test', actor: 'me' })).toMatchObject({
      records: 1,
    })
    await hub.pool.query("update record set body = (select body from record where id = 'c0') where id = 'c4'")
    await expect(showRecord(hub.pool, 'crm:contacts', 'c4')).rejects.toMatchObject({ code: 'CSW-6007' })
    expect(await hub.ports.ledger.readBodies(stream, ['c4'])).toMatchObject([{ body: null, altered: true }])
    hub.ports.bodies = new FreshBodies()
    expect(await hub.push('copy')).toMatchObject({ counts: { created: 4 } })
    await shrink()
    // What cannot be opened holds up none of the others.
    expect((await rowsOf(hub)).map(({ shrunk }) => shrunk)).toEqual([true, true, true, true, false])
  }
})

test('used: after delivery the fields that mappings and keys read stay, in the journal too', async () => {
  const { erp, hub, shrink } = await open('used')
  await hub.pull('crm:contacts')
  await shrink()
  expect((await rowsOf(hub)).map(({ shrunk }) => shrunk)).toEqual(Array(5).fill(false))
  await hub.push('copy')
  const before = await rowsOf(hub)
  await shrink()
  expect((await bodiesOf(hub)).map((text) => JSON.parse(text!))).toEqual(
    [0, 1, 2, 3, 4].map((i) => ({ number: String(i), address: { city: `City ${i}` } })),
  )
  const after = await rowsOf(hub)
  expect(after.map(({ version, hash }) => [version, hash])).toEqual(before.map(({ version, hash }) => [version, hash]))
  expect(await traces(hub)).not.toContain('Secret')
  expect(erp.list('customers')).toHaveLength(5)
  // What is unchanged in the source stays unchanged, and nothing of it comes back.
  await hub.pull('crm:contacts', 'full')
  expect((await rowsOf(hub)).map(({ shrunk }) => shrunk)).toEqual(Array(5).fill(true))
})

test('hash: after delivery no value stays, and an unchanged record is not written again', async () => {
  const { crm, erp, hub, shrink } = await open('hash')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  expect(await bodiesOf(hub)).toEqual(Array(5).fill(null))
  const left = await traces(hub)
  for (const text of ['Secret', 'City', 'example.test']) expect(left).not.toContain(text)
  // A change beside what is mapped, and one within it.
  crm.put('contacts', 'c0', { ...body(0), name: 'Other' })
  crm.put('contacts', 'c1', { ...body(1), address: { city: 'Elsewhere', street: '' } })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 1, unchanged: 1 } })
  expect(erp.journal.at(-1)).toMatchObject({ operation: 'update', values: { city: 'Elsewhere' } })
  await shrink()
  expect(await bodiesOf(hub)).toEqual(Array(5).fill(null))
})

test('work that is not done, and what a person has to look at, keeps its body', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const { erp, hub, shrink } = await open(keeping)
    erp.fault = (_operation, item) =>
      item.values.number === '1' ? 'refuse' : item.values.number === '2' ? 'retry' : undefined
    await hub.pull('crm:contacts')
    await hub.push('copy')
    await shrink()
    expect((await rowsOf(hub)).map(({ shrunk }) => shrunk)).toEqual([true, false, false, true, true])
    const { rows } = await hub.pool.query<{ id: number; input: string; output: string; exchange: string | null }>(
      'select id, input, output, exchange from dead_letter',
    )
    const letter = rows[0]!
    for (const text of [letter.input, letter.output, letter.exchange ?? '!1.']) expect(text).toMatch(/^!1\./)
    const shown = await showDeadLetter(hub.pool, String(letter.id))
    expect(JSON.parse(shown!.input!.text)).toEqual(body(1))
    expect(JSON.parse(shown!.output!.text)).toMatchObject({ city: 'City 1' })
    erp.fault = () => undefined
    await hub.ports.ledger.requeueDeadLetters([rows[0]!.id], 'me')
    await hub.skipWaits()
    await hub.push('copy')
    await shrink()
    expect((await rowsOf(hub)).map(({ shrunk }) => shrunk)).toEqual(Array(5).fill(true))
    expect((await hub.pool.query('select state, input from dead_letter')).rows).toEqual([
      { state: 'resolved', input: null },
    ])
    expect(erp.list('customers')).toHaveLength(5)
  }
})

test('a mapping that reads more than was kept is fed from the source, and so is a new sync', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const more: TestSync = {
      ...sync,
      name: 'more',
      to: 'erp:persons',
      reads: { source: [['name'], ['number']], joins: {} },
      run: ({ name, number }) => one({ number: number!, name: name! }),
    }
    const { crm, erp, hub, shrink } = await open(keeping)
    await hub.pull('crm:contacts')
    await hub.push('copy')
    await shrink()
    erp.stream('persons')
    const later = await TestHub.open({ crm, erp }, [sync, more], hub.pool, { 'crm:contacts': keeping })
    later.ports.erasures = hub.ports.erasures
    crm.rows.get('contacts')!.delete('c3')
    crm.put('contacts', 'c4', { ...body(4), name: 'Newer' })
    expect(await later.push('more')).toMatchObject({ counts: { created: 4, dead: 1 } })
    expect(erp.list('persons').map(({ body }) => body.name)).toEqual(
      expect.arrayContaining(['Secret Name 0', 'Secret Name 1', 'Secret Name 2', 'Newer']),
    )
    const { rows } = await later.pool.query('select code, record_id from dead_letter')
    expect(rows).toEqual([{ code: 'CSW-5018', record_id: 'c3' }])
  }
})

test('plan, diff and explain say what they cannot see', async () => {
  const { crm, hub, shrink } = await open('hash')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  const explained = await explainTarget(hub.pool, { stream: 'erp:customers', id: 't1' })
  expect(explained!.deliveries[0]).toMatchObject({ notKept: { code: 'CSW-5018' }, fields: [] })
  const { definition } = hub.ports.model().syncByName('copy')!
  const actions = async () => {
    const plan = planSync(hub.ports, idOf(hub), { limit: 10, signal })
    for (;;) {
      const { done, value } = await plan.next()
      if (done) return value.actions
    }
  }
  const compare = () =>
    compareMappings(hub.ports, idOf(hub), { before: definition, after: definition, limit: 10, signal })
  expect(await actions()).toEqual({ unchanged: 5 })
  expect(await compare()).toMatchObject({ records: 5, same: 5, notKept: 0 })
  crm.put('contacts', 'c0', { ...body(0), name: 'Moved on' })
  crm.remove('contacts', 'c1')
  expect(await actions()).toEqual({ unchanged: 3, dead: 2 })
  expect(await compare()).toMatchObject({ records: 5, same: 3, notKept: 2 })
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  expect(await actions()).toEqual({ dead: 5 })
  expect(await compare()).toMatchObject({ same: 0, notKept: 5 })
})

test('a person is found and erased by a field that is not kept', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const { hub, erasures, shrink } = await open(keeping)
    await hub.pull('crm:contacts')
    await hub.push('copy')
    await shrink()
    expect(await erasures.erase({ field: 'email', value: 'p2@example.test', actor: 'me' })).toMatchObject({
      records: 1,
    })
    const { rows } = await hub.pool.query('select id, body, field_hashes from record where id = $1', ['c2'])
    expect(rows).toEqual([{ id: 'c2', body: null, field_hashes: null }])
    // Whoever was erased is not asked for again.
    await hub.ports.ledger.makeDue([idOf(hub)], ['c2'])
    await hub.push('copy')
    expect((await hub.pool.query('select 1 from dead_letter')).rowCount).toBe(0)
  }
})

test('events of a connection that is not kept in full lose their bytes, and are not replayed in silence', async () => {
  const { crm, hub } = await open('used')
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', 'e1', '{}', '{"name":"Secret"}')`,
    [id],
  )
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['c0'] }] as never
  await readInbox(hub.ports, id, signal)
  expect((await hub.pool.query('select state, body::text from inbox')).rows).toEqual([{ state: 'done', body: '\\x' }])
  expect(await hub.ports.ledger.replayEvents({ connectionId: id }, 0, 10)).toEqual({
    replayed: 0,
    notKept: 1,
    connections: [],
  })
})

test('what a person corrected is sealed too, and is what is delivered', async () => {
  const { erp, hub } = await open('used')
  erp.fault = (_operation, item) => (item.values.number === '1' ? 'refuse' : undefined)
  await hub.pull('crm:contacts')
  await hub.push('copy')
  const { rows } = await hub.pool.query<{ id: number }>('select id from dead_letter')
  erp.fault = () => undefined
  const corrected = JSON.stringify({ ...body(1), address: { city: 'Secret Corrected' } })
  await hub.ports.ledger.correctRecord({ letterId: rows[0]!.id, body: corrected, actor: 'me' })
  const kept = await hub.pool.query<{ body: string }>('select body from correction')
  expect(kept.rows[0]!.body).toMatch(/^!1\./)
  await hub.ports.ledger.requeueDeadLetters([rows[0]!.id], 'me')
  await hub.skipWaits()
  await hub.push('copy')
  expect(JSON.stringify(erp.list('customers'))).toContain('Secret Corrected')
})

test('what a pull brought that is no record is sealed in its letter, shown to a person, and found by an erasure', async () => {
  const { erasures, hub } = await open('used')
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  const text = '{"email":"gone@example.test"}'
  const error = new CausewayError('CSW-2009', { what: 'it has no id' }).toJSON()
  const rejected = [{ body: text, error, fingerprint: 'f' }]
  await hub.ports.ledger.commitPage({ streamId, records: [], rejected, requestedAt: new Date(), runId: null })
  const letter = async () =>
    (
      await hub.pool.query<{ id: number; input: string | null; state: string }>(
        'select id, input, state from dead_letter',
      )
    ).rows[0]!
  const { id, input } = await letter()
  expect(input).toMatch(/^!1\./)
  expect((await showDeadLetter(hub.pool, String(id)))!.input!.text).toBe(text)
  await erasures.erase({ field: 'email', value: 'gone@example.test', actor: 'me' })
  expect(await letter()).toMatchObject({ input: null, state: 'discarded' })
})

test('webhooks stand sealed until they are read; one that was altered is set aside, one of an erased person goes', async () => {
  const { crm, erasures, hub } = await open('used')
  const connectionId = hub.ports.model().connectionId('crm')!
  const writer = new InboxWriter(hub.pool)
  // Bytes that are no text come back as they were.
  const bodies = ['{"id":"c0"}', '{"id":"c1"}', '{"email":"gone@example.test"}'].map((text) => Buffer.from(text))
  bodies.push(Buffer.from([0x21, 0x31, 0x2e, 0x00, 0xff, 0xfe]))
  const event = (i: number) => ({ connectionId, stream: 'contacts', eventId: `e${i}`, headers: {}, body: bodies[i]! })
  await writer.add(bodies.map((_body, i) => ({ ...event(i), sealed: true })))
  await writer.close()
  const { rows } = await hub.pool.query<{ body: Buffer }>('select body from inbox order by id')
  for (const { body: stored } of rows) {
    expect(stored.subarray(0, 3).toString()).toBe('!1.')
    expect(Buffer.from(stored.toString().split('.')[2]!, 'base64').toString('latin1')).not.toMatch(/"id"|gone@/)
  }
  expect(await erasures.erase({ field: 'email', value: 'gone@example.test', actor: 'me' })).toMatchObject({ events: 1 })
  await hub.pool.query('update inbox set body = $1 where event_id = $2', [rows[1]!.body, 'e0'])
  const read: Buffer[] = []
  crm.readEvent = (async ({ body: given }: { body: Buffer }) => {
    read.push(given)
    if (given.equals(bodies[3]!)) throw new CausewayError('CSW-2012', { what: 'no JSON' })
    return [{ stream: 'contacts', records: [], fetch: ['c0'] }]
  }) as never
  await readInbox(hub.ports, connectionId, signal)
  expect(read).toEqual([bodies[1], bodies[3]])
  const letters = await hub.pool.query<{ id: number; code: string; input: string | null }>(
    'select id, code, input from dead_letter order by id',
  )
  expect(letters.rows).toMatchObject([
    { code: 'CSW-6007', input: null },
    { code: 'CSW-2012', input: expect.stringMatching(/^!1\./) },
  ])
  const shown = await showDeadLetter(hub.pool, String(letters.rows[1]!.id))
  expect(JSON.parse(shown!.input!.text)).toBe(bodies[3]!.toString('utf8').replaceAll('\0', '\uFFFD'))
})

test('a target kept as hashes is asked before anything is created', async () => {
  const back: TestSync = { ...sync, name: 'back', from: 'erp:customers', to: 'crm:contacts', match: [['number']] }
  const plain = ({ number }: { number?: unknown }) => one({ number: number as string })
  const { crm, erp, hub, shrink } = await open('hash', [
    { ...back, run: plain, reads: { source: [['number']], joins: {} } },
    sync,
  ])
  crm.streams.get('contacts')!.abilities.lookup = []
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  erp.put('customers', 'x', { number: '3' })
  await hub.pool.query('delete from link')
  await hub.pull('erp:customers')
  await hub.push('back')
  expect(crm.list('contacts')).toHaveLength(5)
  const { fetch } = crm
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  await hub.pool.query('delete from link')
  await hub.ports.ledger.makeDue([hub.ports.model().syncByName('back')!.row.id], ['x', 't1', 't2'])
  await hub.push('back')
  crm.fetch = fetch
  expect(crm.list('contacts')).toHaveLength(5)
  expect((await hub.pool.query('select distinct code from dead_letter')).rows).toEqual([{ code: 'CSW-5018' }])
})

test('a value that comes back after the stream is kept in full again is delivered', async () => {
  const { crm, erp, hub, shrink } = await open('hash')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  const later = await TestHub.open({ crm, erp }, [sync], hub.pool, { 'crm:contacts': 'full' })
  later.ports.erasures = hub.ports.erasures
  for (const city of ['Elsewhere', 'City 1', 'Elsewhere']) {
    crm.put('contacts', 'c1', { ...body(1), address: { city, street: '' } })
    await later.pull('crm:contacts')
    await later.push('copy')
    expect(erp.list('customers').find(({ body }) => body.number === '1')?.body.city).toBe(city)
  }
})

test('who is erased while records shrink stays erased', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const { hub, shrink } = await open(keeping)
    await hub.pull('crm:contacts')
    await hub.push('copy')
    const client = await hub.pool.connect()
    try {
      await client.query('begin')
      await client.query("update record set body = null, field_hashes = null, shrunk = true where id = 'c2'")
      const shrinking = shrink()
      const waiting = 'select 1 from pg_stat_activity where datname = current_database() and wait_event_type = $1'
      await expect.poll(async () => (await hub.pool.query(waiting, ['Lock'])).rowCount, { timeout: 60_000 }).toBe(1)
      await client.query('commit')
      await shrinking
    } finally {
      client.release()
    }
    const { rows } = await hub.pool.query('select id from record where body is null and field_hashes is null')
    expect(rows).toEqual([{ id: 'c2' }])
  }
})

test('a source that fails at a second read is to blame itself, and an id that it refuses stops no other', async () => {
  const { crm, hub, shrink } = await open('hash')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  const { fetch } = crm
  await hub.ports.ledger.makeDue([idOf(hub)], ['c0', 'c1', 'c2', 'c3', 'c4'])
  crm.fetch = async (request) => {
    if (request.ids.includes('c3')) throw new CausewayError('CSW-3008', { what: 'no such id' })
    return fetch.call(crm, request)
  }
  expect(await hub.push('copy')).toMatchObject({ counts: { unchanged: 4, dead: 1 } })
  expect((await hub.pool.query('select code, record_id from dead_letter')).rows).toEqual([
    { code: 'CSW-5018', record_id: 'c3' },
  ])
  await hub.ports.ledger.makeDue([idOf(hub)], ['c0'])
  crm.fetch = async () => {
    throw new CausewayError('CSW-3003', { what: 'refused' })
  }
  expect(await hub.push('copy')).toMatchObject({ outcome: 'failed', error: { code: 'CSW-5008' } })
  expect((await hub.pool.query('select name, state from connection order by name')).rows).toEqual([
    { name: 'crm', state: 'needs_authorisation' },
    { name: 'erp', state: 'active' },
  ])
})

test('a full pull brings back the bodies that dead letters lack', async () => {
  const { crm, hub, shrink } = await open('hash')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  await hub.ports.ledger.makeDue([idOf(hub)], ['c1', 'c3'])
  expect(await hub.push('copy')).toMatchObject({ counts: { dead: 2 } })
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ counts: { changed: 2 } })
  expect(await hub.push('copy')).toMatchObject({ counts: { unchanged: 2, dead: 0 } })
  expect((await hub.pool.query('select state from dead_letter')).rows).toEqual(Array(2).fill({ state: 'resolved' }))
})

/** A target that can be asked by nothing, whose records the hub keeps as hashes: `back` then matches it by another field. */
async function changedMatch(keeping: Keeping) {
  const back: TestSync = { ...sync, name: 'back', from: 'erp:customers', to: 'crm:contacts', match: [['number']] }
  const byEmail: TestSync = {
    ...back,
    match: [['email']],
    reads: { source: [['email']], joins: {} },
    run: ({ email }) => (email ? one({ email }) : { status: 'filtered' }),
  }
  const opened = await open(keeping, [sync])
  const { crm, erp, hub, shrink } = opened
  crm.streams.get('contacts')!.abilities.lookup = []
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  const later = await TestHub.open({ crm, erp }, [sync, byEmail], hub.pool, { 'crm:contacts': keeping })
  later.ports.erasures = hub.ports.erasures
  erp.put('customers', 'x', { email: 'p3@example.test' })
  await later.pull('erp:customers')
  return { ...opened, later }
}

test('nothing is created by new match fields before a full pull has read their values', async () => {
  for (const keeping of ['used', 'hash'] as const) {
    const { crm, later } = await changedMatch(keeping)
    await later.push('back')
    expect(crm.list('contacts')).toHaveLength(5)
    expect((await later.states('back')).parked).toBeGreaterThan(0)
    const problems = await listProblems(later.pool)
    expect(problems).toContainEqual(expect.objectContaining({ code: 'CSW-5020', status: 'retrying', syncs: ['back'] }))
    // An incremental pull does not bring them, and is not what begins.
    expect(await later.pull('crm:contacts', 'incremental')).toMatchObject({ counts: { read: 5 } })
    await later.push('back')
    expect(crm.list('contacts')).toHaveLength(5)
    const { rows } = await later.pool.query("select state from delivery where record_id = 'x'")
    expect(rows).not.toContainEqual({ state: 'parked' })
  }
})

test('a full pull that was under way when the match fields changed does not count, and its pages bring the new ones', async () => {
  const { crm, erp, hub, shrink } = await open('hash')
  crm.streams.get('contacts')!.abilities.lookup = []
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  crm.put('contacts', 'c9', body(9))
  const back: TestSync = { ...sync, name: 'back', from: 'erp:customers', to: 'crm:contacts', match: [['email']] }
  crm.onPage = async () => {
    crm.onPage = async () => {}
    await TestHub.open({ crm, erp }, [sync, back], hub.pool, { 'crm:contacts': 'hash' })
  }
  await hub.pull('crm:contacts', 'full')
  const missing = async () => (await hub.pool.query("select keys_missing from stream where name = 'contacts'")).rows[0]
  expect(await missing()).toEqual({ keys_missing: 'asked' })
  const keys = "select record_id from record_key where field = 'email' order by record_id"
  expect((await hub.pool.query(keys)).rows).toContainEqual({ record_id: 'c9' })
  await hub.pull('crm:contacts')
  expect(await missing()).toEqual({ keys_missing: null })
  expect((await hub.pool.query(keys)).rowCount).toBe(6)
})

test('what joins a stream by new fields waits for the full pull that reads them', async () => {
  const plain: TestSync = { ...sync, name: 'persons', from: 'erp:customers', to: 'erp:persons', match: [] }
  const joining: TestSync = {
    ...plain,
    joins: [{ name: 'contact', from: { connection: 'crm', stream: 'contacts' }, field: 'email', take: 'one' }],
    reads: { source: [['email']], joins: { contact: [['name']] } },
    keys: ({ email }) => ({ contact: [String(email)] }),
    run: ({ email }, { contact }) => one({ email: email!, name: (contact as { name: string } | null)?.name ?? null }),
  }
  const { crm, erp, hub, shrink } = await open('used')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  erp.stream('persons')
  erp.put('customers', 'x', { email: 'p3@example.test' })
  const later = await TestHub.open({ crm, erp }, [sync, joining], hub.pool, { 'crm:contacts': 'used' })
  later.ports.erasures = hub.ports.erasures
  await later.pull('erp:customers')
  await later.push('persons')
  expect(erp.list('persons')).toEqual([])
  await later.pull('crm:contacts')
  await later.push('persons')
  expect(erp.list('persons').map(({ body }) => body.name)).toContain('Secret Name 3')
  expect(await later.states('persons')).not.toHaveProperty('parked')
})

/** `persons` joins contacts, of which only number and city are kept, by id and reads their names. */
async function joinedNames() {
  const persons: TestSync = {
    ...sync,
    name: 'persons',
    from: 'erp:customers',
    to: 'erp:persons',
    joins: [{ name: 'contact', from: { connection: 'crm', stream: 'contacts' }, field: null, take: 'one' }],
    reads: { source: [['number']], joins: { contact: [['name']] } },
    keys: ({ number }) => ({ contact: [`c${number}`] }),
    run: ({ number }, { contact }) => one({ number: number!, name: (contact as { name: string } | null)?.name ?? '' }),
  }
  const { crm, erp, hub, shrink } = await open('used')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  await shrink()
  erp.stream('persons')
  const later = await TestHub.open({ crm, erp }, [sync, persons], hub.pool, { 'crm:contacts': 'used' })
  later.ports.erasures = hub.ports.erasures
  await later.pull('erp:customers')
  const names = () => erp.list('persons').map(({ body }) => body.name)
  return { crm, later, names, letters: async () => (await hub.pool.query('select code, state from dead_letter')).rows }
}

test('a joined record that is kept in part and has changed in its source is stored anew', async () => {
  const { crm, later, names, letters } = await joinedNames()
  crm.put('contacts', 'c1', { ...body(1), name: 'Changed' })
  crm.remove('contacts', 'c2')
  expect(await later.push('persons')).toMatchObject({ counts: { created: 4, parked: 1 } })
  expect(names()).toContain('Changed')
  const stream = later.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  const [row] = await later.ports.ledger.readBodies(stream, ['c1'])
  expect(JSON.parse(row!.body!)).toMatchObject({ name: 'Changed' })
  // The next pull says what became of the one that is gone.
  await later.pull('crm:contacts')
  await later.push('persons')
  expect(names()).toContain('')
  expect(names()).toHaveLength(5)
  expect(await letters()).toEqual([])
})

test('what joins records that no source gives singly is healed by a full pull of those', async () => {
  const { crm, later, names, letters } = await joinedNames()
  const { fetch } = crm
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  expect(await later.push('persons')).toMatchObject({ counts: { created: 0, dead: 5 } })
  await later.pull('crm:contacts', 'full')
  await later.push('persons')
  crm.fetch = fetch
  expect(names().sort()).toEqual([0, 1, 2, 3, 4].map((i) => `Secret Name ${i}`))
  expect(await letters()).toEqual(Array(5).fill({ code: 'CSW-5018', state: 'resolved' }))
})
