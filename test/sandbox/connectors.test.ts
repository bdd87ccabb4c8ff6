/** The sample connectors against the sample systems: what the manifests say is what the systems do. */
import { createHash, createHmac } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Sandbox, type SystemName, startSandbox } from '../../sandbox/index.ts'
import { type ConnectorSession, loadConnectors, type SourceRecord, type WriteItem } from '../../src/connector/index.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { ANY_PORT } from './calls.ts'

const catalogue = loadConnectors([join(import.meta.dirname, '../../connectors')])
const signal = new AbortController().signal
const open: ConnectorSession[] = []
let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT, erpSession: { minutes: 5, requests: 40 } })
})
afterAll(() => sandbox.stop())
afterEach(async () => {
  for (const session of open.splice(0)) await session.close()
})

async function session(system: SystemName): Promise<ConnectorSession> {
  const { door: _, ...settings } = sandbox[system]
  const context = { name: system, settings: { ...settings }, allow: ['127.0.0.1'] }
  if (system === 'crm') Object.assign(context.settings, { webhook_secret: 'shared' })
  open.push(await catalogue.get(`sample-${system}`).open(context))
  return open.at(-1)!
}

type Reading = { records: Map<string, SourceRecord>; gone: string[]; cursor: JsonObject }

async function read(from: ConnectorSession, stream: string, cursor: JsonObject | null = null): Promise<Reading> {
  const reading: Reading = { records: new Map(), gone: [], cursor: {} }
  const mode = cursor === null ? 'full' : 'incremental'
  for await (const page of from.read({ stream, mode, cursor, signal })) {
    expect(page.rejected).toEqual([])
    for (const record of page.records) {
      if (record.deleted) reading.gone.push(record.id)
      else reading.records.set(record.id, record)
    }
    reading.cursor = page.cursor
  }
  return reading
}

const item = (ref: string, values: JsonObject, rest: Partial<WriteItem> = {}): WriteItem => ({
  ref,
  values,
  idempotencyKey: ref,
  ...rest,
})

test('no manifest of a sample system has a fault', () => {
  expect(catalogue.findings.filter((finding) => finding.place.file.includes('sample-'))).toEqual([])
})

const STREAMS: [SystemName, string, string, number][] = [
  ['crm', 'contacts', 'contacts', 2000],
  ['crm', 'companies', 'companies', 300],
  ['crm', 'activities', 'activities', 400],
  ['helpdesk', 'tickets', 'tickets', 600],
  ['helpdesk', 'agents', 'agents', 24],
  ['helpdesk', 'requesters', 'requesters', 400],
  ['erp', 'customers', 'customers', 400],
  ['erp', 'products', 'products', 180],
  ['erp', 'invoices', 'invoices', 1500],
  ['erp', 'orders', 'orders', 400],
  ['hrm', 'employees', 'employees', 120],
  ['hrm', 'absences', 'absences', 500],
  ['hrm', 'departments', 'departments', 10],
  ['documents', 'files', 'items', 161],
  ['directory', 'users', 'users', 60],
]

test.each(STREAMS)('%s:%s is read whole, then only what changed', async (system, stream, table, count) => {
  const from = await session(system)
  const { door } = sandbox[system]
  const all = await read(from, stream)
  expect(all.records.size).toBe(count)
  expect([...all.records.values()].every((record) => record.version !== null)).toBe(true)
  if (!from.streams.get(stream)?.abilities.incremental) return
  const ids = [...all.records.keys()].filter((_, i) => i % Math.ceil(count / 3) === 0)
  for (const id of ids) await door.change(table, id, {})
  await door.clearRequests()
  const changed = await read(from, stream, all.cursor)
  // Overlaps bring back a little more, but never the whole stream.
  expect([...changed.records.keys()]).toEqual(expect.arrayContaining(ids))
  expect(changed.records.size).toBeLessThan(Math.max(10, count / 4))
  for (const id of ids) expect(changed.records.get(id)!.version! > all.records.get(id)!.version!).toBe(true)
})

test('crm: deletions and merges arrive as tombstones and aliases', async () => {
  const crm = await session('crm')
  const { records, cursor } = await read(crm, 'contacts')
  const [gone, primary, secondary] = [...records.keys()].slice(50)
  const headers = { 'x-api-key': sandbox.crm.key }
  const contacts = `${sandbox.crm.url}/crm/v1/contacts`
  await fetch(`${contacts}/${gone}`, { method: 'DELETE', headers })
  const body = JSON.stringify({ primaryId: primary, secondaryId: secondary })
  await fetch(`${contacts}/merge`, { method: 'POST', headers, body })
  const changes = await read(crm, 'contacts', cursor)
  expect(changes.gone).toEqual([gone])
  expect(changes.records.get(primary!)?.aliases).toEqual([secondary])
  const fetched = await crm.fetch({ stream: 'contacts', ids: [primary!, secondary!, gone!], signal })
  expect(new Set(fetched.map((record) => record.id))).toEqual(new Set([primary]))
})

test('helpdesk: a deleted ticket becomes a tombstone; documents: so does a removed file', async () => {
  const helpdesk = await session('helpdesk')
  const tickets = await read(helpdesk, 'tickets')
  const ticket = [...tickets.records.keys()][7]!
  const item = { ref: 'a', id: ticket, values: {}, idempotencyKey: 'a' }
  const [outcome] = await helpdesk.write({ stream: 'tickets', operation: 'delete', items: [item], signal })
  expect(outcome?.status).toBe('written')
  expect((await read(helpdesk, 'tickets', tickets.cursor)).gone).toEqual([ticket])
  const documents = await session('documents')
  const files = await read(documents, 'files')
  const file = [...files.records.keys()][7]!
  await documents.write({ stream: 'files', operation: 'delete', items: [{ ...item, id: file }], signal })
  expect((await read(documents, 'files', files.cursor)).gone).toEqual([file])
})

test('crm: a batch in which one contact is refused writes the others', async () => {
  const crm = await session('crm')
  const taken = String((await sandbox.crm.door.records('contacts'))[900]?.email)
  const items = [
    item('a', { lastName: 'Ångström', email: 'a@postbox.example' }),
    item('b', { lastName: 'Zwilling', email: taken }),
    item('c', { lastName: 'Ćma', lifecycleStage: 'unheard of' }),
    item('d', { lastName: 'Đorđe', externalId: "d'or" }),
  ]
  const outcomes = await crm.write({ stream: 'contacts', operation: 'create', items, signal })
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['written', 'refused', 'refused', 'written'])
  expect(outcomes[1]?.status !== 'written' && outcomes[1]?.error.message).toContain('Existing ID')
  const found = await crm.lookup({
    stream: 'contacts',
    field: 'email',
    values: ['A@postbox.example', taken, 'x@y.example'],
    signal,
  })
  expect(new Set(found.keys())).toEqual(new Set(['A@postbox.example', taken]))
})

test('crm: upsert by external id creates once', async () => {
  const crm = await session('crm')
  const one = { ...item('a', { type: 'ticket', subject: 'Käse' }), key: { field: 'externalId', value: 'up-1' } }
  const first = await crm.write({ stream: 'activities', operation: 'upsert', items: [one], signal })
  const again = await crm.write({ stream: 'activities', operation: 'upsert', items: [one], signal })
  expect(first[0]).toMatchObject({ status: 'written' })
  expect(again).toEqual(first)
})

test('helpdesk: agents are created, changed, found; a refusal names the fields', async () => {
  const helpdesk = await session('helpdesk')
  const write = (operation: 'create' | 'update', ...items: WriteItem[]) =>
    helpdesk.write({ stream: 'agents', operation, items, signal })
  const [made, refused] = await write(
    'create',
    item('a', { name: 'Łucja', email: 'lucja@wislana-soehne.example', external_id: '1152921504606851097' }),
    item('b', { name: 'X', email: 'nonsense' }),
  )
  expect(made?.status).toBe('written')
  expect(refused).toMatchObject({ status: 'refused' })
  expect(refused?.status === 'refused' && refused.error.message).toContain('email is not an e-mail address')
  const id = made?.status === 'written' ? made.id : ''
  await write('update', { ...item('a', { active: false }), id })
  const found = await helpdesk.lookup({
    stream: 'agents',
    field: 'external_id',
    values: ['1152921504606851097'],
    signal,
  })
  expect(found.get('1152921504606851097')?.[0]).toMatchObject({ id, body: { active: false, name: 'Łucja' } })
})

test('erp: batches answer by position, look-ups survive quotes, a lost session is renewed', async () => {
  const erp = await session('erp')
  const base = { kind: 'person', country: 'GB' }
  const items = [
    item('a', { ...base, name: "O'Drisceoil", externalRef: 'it\'s "quoted"' }),
    item('b', { ...base, name: 'No country', country: 'Wales' }),
    item('c', { ...base, name: 'Decimal', creditLimit: '0.10', externalRef: 'c' }),
  ]
  const outcomes = await erp.write({ stream: 'customers', operation: 'create', items, signal })
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['written', 'refused', 'written'])
  await sandbox.erp.door.expire()
  const found = await erp.lookup({ stream: 'customers', field: 'externalRef', values: ['it\'s "quoted"', 'c'], signal })
  expect(found.get('it\'s "quoted"')?.[0]?.body.name).toBe("O'Drisceoil")
  expect(found.get('c')?.[0]?.body.creditLimit).toBe('0.10')
})

test('erp: a product is replaced as a whole, with what it is known to hold', async () => {
  const erp = await session('erp')
  const [before] = await erp.fetch({ stream: 'products', ids: ['501'], signal })
  const { id: _id, modified: _modified, revision: _revision, ...known } = before!.body
  const update = { ...item('a', { price: '12.34' }), id: '501', known }
  expect(await erp.write({ stream: 'products', operation: 'update', items: [update], signal })).toMatchObject([
    { status: 'written' },
  ])
  const [after] = await erp.fetch({ stream: 'products', ids: ['501'], signal })
  expect(after?.body).toMatchObject({ ...known, price: '12.34' })
})

test('hrm: ids beyond 2^53 are kept digit by digit', async () => {
  const hrm = await session('hrm')
  const { records } = await read(hrm, 'employees')
  const inside = (await sandbox.hrm.door.records('employees')).map((row) => String(row.id))
  expect(new Set(records.keys())).toEqual(new Set(inside))
  expect(JSON.stringify(records.get(inside[5]!)?.body)).toMatch(
    new RegExp(`"id":${inside[5]},.*"weekly_hours":\\d+\\.\\d0,`),
  )
  const found = await hrm.fetch({ stream: 'employees', ids: [inside[3]!, '1'], signal })
  expect(found.map((record) => record.id)).toEqual([inside[3]])
})

test('a printed invoice goes into the document store and comes out again, byte for byte', async () => {
  const erp = await session('erp')
  const documents = await session('documents')
  const [invoice] = await erp.fetch({ stream: 'invoices', ids: ['80007'], signal })
  const reference = invoice!.content!
  const values = { path: '/Faktury/2026/żółć 7.html', external_id: 'INV-7', properties: { gross: '1.10' } }
  const content = () => erp.content({ stream: 'invoices', reference, signal })
  const [made] = await documents.write({
    stream: 'files',
    operation: 'create',
    items: [item('a', values, { content })],
    signal,
  })
  expect(made?.status).toBe('written')
  const found = await documents.lookup({ stream: 'files', field: 'external_id', values: ['INV-7'], signal })
  const file = found.get('INV-7')?.[0]
  expect(file?.body).toMatchObject({ ...values, media_type: 'text/html' })
  const text = async (stream: Readable) => Buffer.concat(await stream.toArray())
  const sent = await text((await content()).stream)
  const kept = await text((await documents.content({ stream: 'files', reference: file!.content!, signal })).stream)
  expect(kept.equals(sent)).toBe(true)
  expect(file?.content?.hash).toBe(createHash('sha256').update(sent).digest('hex'))
  const update = item(
    'b',
    { path: '/Faktury/anders.html' },
    { id: file!.id, content: async () => ({ stream: Readable.from(['neu']) }) },
  )
  expect(await documents.write({ stream: 'files', operation: 'update', items: [update], signal })).toMatchObject([
    { status: 'written' },
  ])
  const [after] = await documents.fetch({ stream: 'files', ids: [file!.id], signal })
  expect(after?.body).toMatchObject({ path: '/Faktury/anders.html', size: 3, external_id: 'INV-7' })
})

test('directory: users are found by several keys at once and patched', async () => {
  const directory = await session('directory')
  const users = await sandbox.directory.door.records('users')
  const names = users.slice(0, 25).map((user) => String(user.userName))
  const found = await directory.lookup({
    stream: 'users',
    field: 'userName',
    values: [...names, 'a"b@x.example'],
    signal,
  })
  expect(found.size).toBe(25)
  const { id } = found.get(names[0]!)![0]!
  const update = item('a', { active: false, title: null, externalId: '99' }, { id })
  expect(await directory.write({ stream: 'users', operation: 'update', items: [update], signal })).toMatchObject([
    { status: 'written', id },
  ])
  const after = await directory.lookup({ stream: 'users', field: 'externalId', values: ['99'], signal })
  expect(after.get('99')?.[0]?.body).toMatchObject({ id, active: false })
})

test('crm: a signed event names the record to fetch; a wrong signature is refused', async () => {
  const crm = await session('crm')
  const event = { eventId: '900001', subscriptionType: 'contact.creation', objectType: 'contacts', objectId: '200005' }
  const body = Buffer.from(JSON.stringify([event]))
  const at = new Date()
  const headers = {
    'x-crm-timestamp': String(at.getTime()),
    'x-crm-signature': createHmac('sha256', 'shared').update(`${at.getTime()}.${body}`).digest('base64'),
  }
  expect(crm.verifyWebhook({ headers, body, stream: null, at })).toMatchObject({ accept: true })
  const wrong = { ...headers, 'x-crm-timestamp': String(at.getTime() + 1) }
  expect(crm.verifyWebhook({ headers: wrong, body, stream: null, at })).toMatchObject({ accept: false })
  const read = await crm.readEvent({ headers, body, stream: null, signal })
  expect(read).toMatchObject([{ stream: 'contacts', fetch: ['200005'] }])
})

test.each(['crm', 'helpdesk', 'erp', 'hrm', 'documents', 'directory'] as const)(
  '%s answers a probe',
  async (system) => {
    const steps = await (await session(system)).probe(signal)
    expect(steps.filter((step) => !step.ok)).toEqual([])
  },
)
