import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { CausewayError, type JsonObject } from '../../src/core/index.ts'
import { createSecretStore, MasterKeys, sealBodies } from '../../src/store/index.ts'
import { open, restManifest } from '../connector/open.ts'
import { serve } from '../connector/server.ts'
import { freshDatabase } from '../postgres.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/** A target that repeats its answer to an idempotency key, and has no search. */
const shop = restManifest(
  `
  write:
    create:
      path: /things
      headers: { Idempotency-Key: "\${ idempotency_key }" }
      body: \${ values }
      id: response.id
    update: { path: "/things/\${ id }", body: "\${ values }" }
`,
  'limits: { attempts: 1 }',
)

/** The same with a search. */
const searching = shop.replace(
  '    write:',
  '    lookup: { email: { path: /things, query: { email: "${ value }" }, records: response.found } }\n    write:',
)

type Fault = 'lost-answer' | 'failed-after' | 'failed-before' | undefined

async function shopServer() {
  const things = new Map<string, { id: string; values: JsonObject }>()
  const state: { fault: Fault } = { fault: undefined }
  const server = await serve(({ method, headers, json, path, query }, response) => {
    if (method === 'GET') {
      const found = [...things.values()].filter(({ values }) => values.email === query.get('email'))
      return { json: { found: found.map(({ id, values }) => ({ id, ...values })) } }
    }
    if (method !== 'POST') {
      const known = [...things.values()].find(({ id }) => path === `/things/${id}`)!
      Object.assign(known.values, json)
      return { json: {} }
    }
    if (state.fault === 'failed-before') return { status: 429, json: {} }
    const key = String(headers['idempotency-key'])
    const thing = things.get(key) ?? { id: `t${things.size + 1}`, values: json }
    if (JSON.stringify(thing.values) !== JSON.stringify(json)) return { status: 400, json: { error: 'another body' } }
    things.set(key, thing)
    if (state.fault === 'failed-after') return { status: 500, json: {} }
    if (state.fault === 'lost-answer') {
      response.socket!.destroy()
      return undefined
    }
    return { json: { id: thing.id } }
  })
  return { server, things, state }
}

const people: TestSync = {
  name: 'people',
  from: 'crm:people',
  to: 'shop:things',
  run: ({ name }) => one({ name: name! }),
}

async function hubOf(server: Awaited<ReturnType<typeof serve>>, pool?: pg.Pool) {
  const crm = new MemorySystem().stream('people')
  crm.put('people', 'p1', { name: 'Ann' })
  const hub = await TestHub.open(
    { crm, shop: await open(shop, server) },
    [people],
    pool,
    pool ? { 'crm:people': 'used' } : {},
  )
  const push = async (times = 1) => {
    for (let i = 0; i < times; i++) {
      await hub.skipWaits()
      await hub.push('people')
    }
  }
  const letters = async () =>
    (await hub.pool.query<{ code: string }>("select code from dead_letter where state = 'open'")).rows.map(
      ({ code }) => code,
    )
  await hub.pull('crm:people')
  return { crm, hub, push, letters }
}

test.for(['lost-answer', 'failed-after'] as const)(
  'a create that went with an idempotency key and may have been done is not made anew when the record changes (%s)',
  async (fault) => {
    const { server, things, state } = await shopServer()
    await using _server = server
    const { crm, hub, push, letters } = await hubOf(server)
    state.fault = fault
    await push()
    expect(things.size).toBe(1)
    // The next try does not even get there, which says nothing of the one before.
    state.fault = 'failed-before'
    await push()
    state.fault = undefined
    crm.put('people', 'p1', { name: 'Anna' })
    await hub.pull('crm:people')
    await push(3)
    expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Anna' }])
    expect(await letters()).toEqual([])
    expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
  },
)

test('a repeated create that gets no answer either is repeated again, and the change comes after it', async () => {
  const { server, things, state } = await shopServer()
  await using _server = server
  const { crm, hub, push, letters } = await hubOf(server)
  state.fault = 'lost-answer'
  await push()
  crm.put('people', 'p1', { name: 'Anna' })
  await hub.pull('crm:people')
  // Twice in a row the repeated create is not answered either.
  await push(2)
  expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Ann' }])
  state.fault = undefined
  crm.put('people', 'p1', { name: 'Annabel' })
  await hub.pull('crm:people')
  await push(2)
  expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Annabel' }])
  expect(await letters()).toEqual([])
})

test('a target that has forgotten the key is asked first where it has a search', async () => {
  const { server, things, state } = await shopServer()
  await using _server = server
  const crm = new MemorySystem().stream('people')
  crm.put('people', 'p1', { name: 'Ann', email: 'ann@x.y' })
  const sync: TestSync = {
    ...people,
    match: [['email']],
    run: ({ name, email }) => one({ name: name!, email: email! }),
  }
  const hub = await TestHub.open({ crm, shop: await open(searching, server) }, [sync])
  const push = async () => {
    await hub.skipWaits()
    await hub.push('people')
  }
  await hub.pull('crm:people')
  state.fault = 'lost-answer'
  await push()
  state.fault = undefined
  const [thing] = things.values()
  things.clear()
  things.set('forgotten', thing!)
  crm.put('people', 'p1', { name: 'Anna', email: 'ann@x.y' })
  await hub.pull('crm:people')
  await push()
  await push()
  expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Anna', email: 'ann@x.y' }])
  expect(await hub.states('people')).toEqual({ delivered: 1 })
})

test('where the source is not kept in full, what was sent stands sealed', async () => {
  const { server, things, state } = await shopServer()
  await using _server = server
  const { pool } = await freshDatabase()
  onTestFinished(() => pool.end())
  const folder = await mkdtemp(join(tmpdir(), 'causeway-idempotency-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const secrets = createSecretStore(pool, await MasterKeys.load({ file: join(folder, 'master-key') }))
  sealBodies(pool, secrets)
  const { crm, hub, push } = await hubOf(server, pool)
  state.fault = 'lost-answer'
  await push()
  const { rows } = await hub.pool.query<{ sent: string }>('select sent from intent')
  expect(rows).toHaveLength(1)
  expect(rows[0]!.sent).not.toContain('Ann')
  expect(rows[0]!.sent.startsWith('!1.')).toBe(true)
  state.fault = undefined
  crm.put('people', 'p1', { name: 'Anna' })
  await hub.pull('crm:people')
  await push(2)
  expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Anna' }])
})

test.for(['lost-answer', 'failed-after'] as const)(
  'an unchanged record is sent again with the same key, without asking anybody (%s)',
  async (fault) => {
    const { server, things, state } = await shopServer()
    await using _server = server
    const { crm, hub, push, letters } = await hubOf(server)
    state.fault = fault
    await push(2)
    state.fault = undefined
    await push()
    expect(await hub.states('people')).toEqual({ delivered: 1 })
    expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
    crm.put('people', 'p1', { name: 'Anna' })
    await hub.pull('crm:people')
    await push()
    expect([...things.values()].map(({ values }) => values)).toEqual([{ name: 'Anna' }])
    expect(await letters()).toEqual([])
  },
)

/** The worker dies with the answers in its hands, before it could commit anything about them. */
function killAfterWriting(hub: TestHub): void {
  const { ledger } = hub.ports
  const commitBatch = ledger.commitBatch.bind(ledger)
  ledger.commitBatch = async () => {
    ledger.commitBatch = commitBatch
    throw new CausewayError('CSW-6004', { what: 'killed' })
  }
}

test.for([
  ['done', 'Ann'],
  ['done', 'Anna'],
  ['not done', 'Anna'],
] as const)(
  'what a killed worker sent with an idempotency key is sent again as it was, and then what is wanted now (%s, %s)',
  async ([what, name]) => {
    const { server, things, state } = await shopServer()
    await using _server = server
    const { crm, hub, push, letters } = await hubOf(server)
    if (what === 'not done') state.fault = 'failed-before'
    killAfterWriting(hub)
    await push().catch(() => null)
    expect((await hub.pool.query('select 1 from intent where under_way')).rowCount).toBe(1)
    // The first try after that does not get there.
    state.fault = 'failed-before'
    await push()
    state.fault = undefined
    crm.put('people', 'p1', { name })
    await hub.pull('crm:people')
    await push(3)
    expect([...things.values()].map(({ values }) => values)).toEqual([{ name }])
    expect(await letters()).toEqual([])
    expect(await hub.states('people')).toEqual({ delivered: 1 })
    expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
  },
)

test.for([
  ['answered nobody', 'Ann'],
  ['answered nobody', 'Anna'],
  ['was killed', 'Ann'],
  ['was killed', 'Anna'],
] as const)(
  'a create whose key the target may have forgotten is not sent again but shown to a person, however often it was tried (%s, %s)',
  async ([what, name]) => {
    const { server, things, state } = await shopServer()
    await using _server = server
    const { crm, hub, push, letters } = await hubOf(server)
    if (what === 'was killed') killAfterWriting(hub)
    else state.fault = 'lost-answer'
    await push().catch(() => null)
    expect(things.size).toBe(1)
    // Half of an outage, a try that does not get there, the other half.
    const wait = () => hub.pool.query("update intent set opened_at = opened_at - interval '40 minutes'")
    await wait()
    state.fault = 'failed-before'
    await push()
    await wait()
    const [thing] = things.values()
    things.clear()
    things.set('forgotten', thing!)
    state.fault = undefined
    crm.put('people', 'p1', { name })
    await hub.pull('crm:people')
    await push(3)
    expect(things.size).toBe(1)
    expect(await letters()).toEqual(['CSW-5004'])
  },
)
