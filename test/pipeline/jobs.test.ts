import { expect, onTestFinished, test } from 'vitest'
import { applyPlan, planSync } from '../../src/pipeline/index.ts'
import { breakLeases } from '../../src/store/index.ts'
import { load, restManifest } from '../connector/open.ts'
import { type Asked, type Reply, serve } from '../connector/server.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/*
 * A target that works writes off in its own time, behind a real connector: what was handed over to a job must be known again by
 * whoever goes on after a crash.
 */

type Customer = { id: string; external_id: string; name: string }

/** Jobs are worked off when the test says so; every effect stands in the journal. */
class Jobs {
  readonly customers: Customer[] = []
  readonly journal: string[] = []
  made = 0
  readonly jobs: { operation: string; rows: Partial<Customer>[]; state: string }[] = []
  onStatus: () => Promise<void> = async () => this.work()
  forgotten = false
  refusesJobs = false
  /** Numbers of customers that results leave out; of these, the lost ones were not even written. */
  unsaid: string[] = []
  lost: string[] = []
  /** Gives no status: whoever waits for a job is broken off. */
  away = false

  work(): void {
    // Nothing says in which order jobs are done that run at the same time.
    for (const job of this.jobs.filter(({ state }) => state === 'started').reverse()) {
      for (const row of job.rows) if (!this.lost.includes(row.external_id!)) this.write(job.operation, row)
      job.state = 'done'
    }
  }

  write(operation: string, row: Partial<Customer>): Customer {
    if (operation === 'delete') {
      const [gone] = this.customers.splice(this.customers.indexOf(this.find(row)!), 1)
      this.journal.push(`${gone!.external_id} deleted`)
      return gone!
    }
    const known = operation === 'create' ? undefined : this.find(row)
    const customer = known ?? ({ id: `t${++this.made}` } as Customer)
    if (!known) this.customers.push(customer)
    this.journal.push(`${row.external_id ?? customer.external_id} ${row.name}`)
    return Object.assign(customer, row)
  }

  find = ({ id, external_id }: Partial<Customer>): Customer | undefined =>
    this.customers.findLast((one) => (id === undefined ? one.external_id === external_id : one.id === id))

  handler = async ({ method, path, json, bytes, query }: Asked): Promise<Reply> => {
    if (path === '/customers' && method === 'GET')
      return { json: this.customers.filter((one) => query.getAll('external_id').includes(one.external_id)) }
    if (path.startsWith('/customers')) {
      const id = path.split('/')[2]
      if (method === 'DELETE') {
        this.write('delete', { id: id! })
        return { status: 204 }
      }
      if (method === 'PATCH') {
        const known = this.customers.find((one) => one.id === id)!
        this.journal.push(`${known.external_id} ${json.name}`)
        return { json: Object.assign(known, json) }
      }
      return { json: this.write(method === 'PUT' ? 'upsert' : 'create', json) }
    }
    if (path === '/jobs') {
      if (this.refusesJobs) return { status: 403 }
      this.jobs.push({ operation: json.operation, rows: [], state: 'open' })
      return { json: { id: this.jobs.length } }
    }
    const [, , number, what] = path.split('/')
    if (this.away && method === 'GET') return { status: 503 }
    const job = this.jobs[Number(number) - 1]!
    if (this.forgotten) return { status: 404 }
    if (what === 'data') {
      const [names, ...rows] = bytes
        .toString()
        .trim()
        .split(/\r?\n/)
        .map((line) => line.split(','))
      job.rows = rows.map((row) => Object.fromEntries(names!.map((name, i) => [name, row[i]!])))
      return { status: 201 }
    }
    if (method === 'PATCH') {
      if (job.state !== 'open') return { status: 400 }
      job.state = 'started'
      return { json: {} }
    }
    if (what === 'results') {
      const said = job.rows.filter((row) => !this.unsaid.includes(row.external_id!))
      const lines = said.map((row) => {
        const { id, external_id } = this.find(row) ?? { external_id: '', ...row }
        return `${id},${external_id}\n`
      })
      return { text: `id,external_id\n${lines.join('')}` }
    }
    await this.onStatus()
    return { json: { state: job.state } }
  }
}

const bulk = (
  operation: string,
  above: number,
  item = 'values',
  [result, sent] = ['result.external_id', 'values.external_id'],
) => `
    bulk:
      above: ${above}
      size: 1000
      path: /jobs
      body: { operation: ${operation} }
      item: '\${ ${item} }'
      job:
        id: response.id
        every_seconds: 0.01
        upload: { path: "/jobs/\${ job.id }/data", as: csv }
        close: { path: "/jobs/\${ job.id }", body: { state: closed } }
        status: { path: "/jobs/\${ job.id }" }
        done: response.state = "done"
        outcomes: { ok: { path: "/jobs/\${ job.id }/results", as: csv } }
      results: response.ok
      correlate: { result: ${result}, item: ${sent} }
      id: result.id
`
const manifest = (above: number) =>
  restManifest(
    `
lookup:
  external_id: { path: /customers, query: { external_id: "\${ values }" }, batch: 50 }
write:
  create:
    path: /customers
    body: \${ values }
    id: response.id${bulk('create', above)}
  update:
    path: "/customers/\${ id }"
    body: \${ values }${bulk('update', above, '$merge([{"id": id}, values])', ['result.id', 'id'])}
  delete:
    path: "/customers/\${ id }"${bulk('delete', above, '{"id": id}', ['result.id', 'id'])}
  upsert:
    key: [external_id]
    path: /customers
    body: \${ values }
    id: response.id${bulk('upsert', above)}`,
    'limits: { attempts: 1 }',
  )

const sync = (match: string[][]): TestSync => ({
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:things',
  match,
  onLeave: 'delete',
  deletes: 'delete',
  deleteLimits: { maxShare: 1, maxCount: 1_000 },
  run: ({ number, name }) => (name === 'Private' ? { status: 'filtered' } : one({ external_id: number!, name: name! })),
})

async function hubs(contacts: number, above: number, of: TestSync) {
  const system = new Jobs()
  const server = await serve(system.handler)
  onTestFinished(() => server.close())
  const crm = new MemorySystem().stream('contacts')
  for (let i = 0; i < contacts; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, name: `Person ${i}` })
  const connect = () =>
    load(manifest(above))
      .get('test')
      .open({ name: 'erp', settings: { url: server.url }, allow: [server.host] })
  const erp = (await connect()) as unknown as MemorySystem
  const hub = await TestHub.open({ crm, erp }, [of])
  await hub.pull('crm:contacts')
  return { system, crm, hub, next: () => TestHub.open({ crm, erp }, [of], hub.pool) }
}

const openIntents = async ({ pool }: TestHub) => (await pool.query('select 1 from intent')).rowCount

/** Dies while a job is waited for: its lease is another one's, and it commits nothing more. */
async function dieWaiting(system: Jobs, hub: TestHub): Promise<void> {
  const process = new AbortController()
  system.onStatus = async () => {
    await breakLeases(hub.pool)
    process.abort()
  }
  await hub.push('contacts', 0, process.signal).catch(() => null)
  expect(system.jobs.map(({ state }) => state)).toEqual(['started'])
  system.onStatus = async () => system.work()
}

async function untilDone(hub: TestHub): Promise<void> {
  for (let pass = 0; pass < 10; pass++) {
    await hub.skipWaits()
    await hub.push('contacts')
    if (!(await hub.pool.query('select 1 from delivery where next_attempt_at is not null')).rowCount) return
  }
  throw new Error('work was left after 10 passes')
}

test('more records than a usual batch holds go to a job together where so many wait, and fewer do not', async () => {
  const { system, crm, hub } = await hubs(450, 420, sync([['external_id']]))
  await hub.push('contacts')
  expect(system.jobs.map(({ rows }) => rows.length)).toEqual([450])
  expect(await hub.states('contacts')).toEqual({ delivered: 450 })
  expect(system.customers).toHaveLength(450)
  for (let i = 450; i < 453; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, name: `Person ${i}` })
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  expect(system.jobs).toHaveLength(1)
  expect(await hub.states('contacts')).toEqual({ delivered: 453 })
})

test.each(['upsert', 'create'])(
  'after a death while a job of %ss runs, its outcomes are learned and nothing is sent twice',
  async (operation) => {
    const { system, hub, next } = await hubs(8, 2, sync([['external_id']]))
    if (operation === 'create') hub.ports.model().syncs()[0]!.definition.mode = 'create-only'
    await dieWaiting(system, hub)
    const survivor = await next()
    if (operation === 'create') survivor.ports.model().syncs()[0]!.definition.mode = 'create-only'
    await untilDone(survivor)
    expect(system.jobs.map((job) => [job.operation, job.state])).toEqual([[operation, 'done']])
    expect(system.journal).toHaveLength(8)
    expect(await survivor.states('contacts')).toEqual({ delivered: 8 })
    expect(await openIntents(survivor)).toBe(0)
  },
)

test.each([
  ['upsert', 'unchanged'],
  ['create', 'skipped'],
])(
  'a record that the results of a job of %ss leave out is looked up, and written where it was not',
  async (operation, found) => {
    const { system, hub } = await hubs(8, 2, sync([['external_id']]))
    if (operation === 'create') hub.ports.model().syncs()[0]!.definition.mode = 'create-only'
    Object.assign(system, { unsaid: ['n3', 'n5'], lost: ['n5'] })
    await hub.push('contacts')
    expect(await hub.states('contacts')).toEqual({ delivered: 6, in_doubt: 2 })
    await untilDone(hub)
    expect(system.customers.map((one) => one.external_id).sort()).toEqual(Array.from({ length: 8 }, (_, i) => `n${i}`))
    expect(await hub.states('contacts')).toEqual({ delivered: 7, [found]: 1 })
    expect(await openIntents(hub)).toBe(0)
  },
)

test('what changed while the job ran is written after it', async () => {
  const { system, crm, hub, next } = await hubs(8, 2, sync([['external_id']]))
  await dieWaiting(system, hub)
  crm.put('contacts', 'c3', { number: 'n3', name: 'Changed' })
  await hub.pull('crm:contacts')
  const survivor = await next()
  await untilDone(survivor)
  expect(system.journal.filter((line) => line.startsWith('n3 '))).toEqual(['n3 Person 3', 'n3 Changed'])
  expect(system.customers.find((one) => one.external_id === 'n3')!.name).toBe('Changed')
  expect(system.customers).toHaveLength(8)
  expect(await survivor.states('contacts')).toEqual({ delivered: 8 })
  expect(await openIntents(survivor)).toBe(0)
})

test('a job that was never started is started by the successor; one that is forgotten is written anew', async () => {
  const { system, hub, next } = await hubs(8, 2, sync([['external_id']]))
  await dieWaiting(system, hub)
  system.jobs[0]!.state = 'open'
  const second = await next()
  await untilDone(second)
  expect(system.jobs.map(({ state }) => state)).toEqual(['done'])
  expect(system.journal).toHaveLength(8)

  const other = await hubs(8, 2, sync([['external_id']]))
  await dieWaiting(other.system, other.hub)
  other.system.forgotten = true
  other.system.refusesJobs = true
  const survivor = await other.next()
  await untilDone(survivor)
  expect(other.system.customers).toHaveLength(8)
  expect(await survivor.states('contacts')).toEqual({ delivered: 8 })
  expect(await openIntents(survivor)).toBe(0)
})

test('a job that is refused before it starts leaves the records to the other calls', async () => {
  const { system, hub } = await hubs(8, 2, sync([['external_id']]))
  system.refusesJobs = true
  await hub.push('contacts')
  expect(system.customers).toHaveLength(8)
  expect(await hub.states('contacts')).toEqual({ delivered: 8 })
})

/** The wait for a job is broken off while it runs; the hub lives and commits what it does not know. */
async function breakOff(system: Jobs, hub: TestHub): Promise<void> {
  system.away = true
  await hub.push('contacts').catch(() => null)
  system.away = false
  expect(system.jobs.at(-1)!.state).toBe('started')
}

test.each([
  ['broken off', 'deleted'],
  ['broken off', 'filtered'],
  ['dead', 'deleted'],
  ['dead', 'filtered'],
])(
  'what a job made while its wait was %s is taken back from the target when its record was %s meanwhile',
  async (end, left) => {
    const { system, crm, hub, next } = await hubs(8, 2, sync([['external_id']]))
    await (end === 'dead' ? dieWaiting(system, hub) : breakOff(system, hub))
    if (left === 'deleted') crm.remove('contacts', 'c3')
    else crm.put('contacts', 'c3', { number: 'n3', name: 'Private' })
    await hub.pull('crm:contacts')
    const survivor = await next()
    await untilDone(survivor)
    expect(system.journal.filter((line) => !line.endsWith(' deleted'))).toHaveLength(8)
    expect(system.customers.map((one) => one.external_id).sort()).toEqual(['n0', 'n1', 'n2', 'n4', 'n5', 'n6', 'n7'])
    expect(await survivor.states('contacts')).toEqual({ delivered: 7, [left === 'deleted' ? 'gone' : 'skipped']: 1 })
    expect(await openIntents(survivor)).toBe(0)
  },
)

/** All records have been delivered, and a job that renames them runs whose wait was broken off. */
async function renaming() {
  const { system, crm, hub } = await hubs(8, 2, sync([['external_id']]))
  await untilDone(hub)
  const rename = async (name: string) => {
    for (let i = 0; i < 8; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, name: `${name} ${i}` })
    await hub.pull('crm:contacts')
  }
  await rename('Other')
  await breakOff(system, hub)
  return { system, hub, rename }
}

test('a record that returns to its former state while a job carries another one is written after the job', async () => {
  const { system, hub, rename } = await renaming()
  await rename('Person')
  await untilDone(hub)
  expect(system.customers.map(({ name }) => name).sort()).toEqual([...Array(8).keys()].map((i) => `Person ${i}`))
  expect(await hub.states('contacts')).toEqual({ delivered: 8 })
  expect(await openIntents(hub)).toBe(0)
})

test('records that come back while a job deletes them are made again', async () => {
  const { system, crm, hub } = await hubs(8, 2, sync([['external_id']]))
  await untilDone(hub)
  for (let i = 0; i < 8; i++) crm.remove('contacts', `c${i}`)
  await hub.pull('crm:contacts')
  await breakOff(system, hub)
  for (let i = 0; i < 8; i++) crm.put('contacts', `c${i}`, { number: `n${i}`, name: `Person ${i}` })
  await hub.pull('crm:contacts')
  await untilDone(hub)
  expect(system.customers.map(({ name }) => name).sort()).toEqual([...Array(8).keys()].map((i) => `Person ${i}`))
  expect(system.made).toBe(16)
  expect(await hub.states('contacts')).toEqual({ delivered: 8 })
  expect(await openIntents(hub)).toBe(0)
})

test('a plan writes nothing over a job that is under way', async () => {
  const { system, hub, rename } = await renaming()
  await rename('Third')
  const { row, definition } = hub.ports.model().syncByName('contacts')!
  const signal = new AbortController().signal
  const changes = []
  for await (const batch of planSync(hub.ports, row.id, { limit: 100, signal })) changes.push(...batch)
  expect(changes.map(({ action }) => action)).toEqual(Array(8).fill('update'))
  await hub.pool.query("update connection set state = 'active'")
  const before = system.journal.length
  const result = await applyPlan(hub.ports, row.id, { version: definition.version, changes, signal })
  expect(result.runs).toEqual([])
  expect(result.moved).toContainEqual({ record: 'c3', part: '', reason: 'a job of the target is writing it' })
  expect(system.journal).toHaveLength(before)
})

test('a wait for a job that is broken off costs its records no attempt', async () => {
  const of = { ...sync([['external_id']]), retry: { attempts: 1, baseMs: 1_000, capMs: 60_000 } }
  const { system, hub } = await hubs(8, 2, of)
  await breakOff(system, hub)
  expect(await hub.states('contacts')).toEqual({ in_doubt: 8 })
  await untilDone(hub)
  expect(await hub.states('contacts')).toEqual({ delivered: 8 })
  expect(system.journal).toHaveLength(8)
})
