import { expect, onTestFinished, test } from 'vitest'
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
  readonly jobs: { operation: string; rows: Customer[]; state: string }[] = []
  onStatus: () => Promise<void> = async () => this.work()
  forgotten = false
  refusesJobs = false

  work(): void {
    // Nothing says in which order jobs are done that run at the same time.
    for (const job of this.jobs.filter(({ state }) => state === 'started').reverse()) {
      for (const row of job.rows) this.write(job.operation, row)
      job.state = 'done'
    }
  }

  write(operation: string, row: Partial<Customer>): Customer {
    const known = operation === 'create' ? undefined : this.customers.find((one) => one.external_id === row.external_id)
    const customer = known ?? ({ id: `t${this.customers.length + 1}` } as Customer)
    if (!known) this.customers.push(customer)
    this.journal.push(`${row.external_id} ${row.name}`)
    return Object.assign(customer, row)
  }

  handler = async ({ method, path, json, bytes, query }: Asked): Promise<Reply> => {
    if (path === '/customers' && method === 'GET')
      return { json: this.customers.filter((one) => query.getAll('external_id').includes(one.external_id)) }
    if (path.startsWith('/customers')) {
      const id = path.split('/')[2]
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
    const job = this.jobs[Number(number) - 1]!
    if (this.forgotten) return { status: 404 }
    if (what === 'data') {
      const [, ...lines] = bytes.toString().trim().split('\n')
      job.rows = lines.map((line) => ({ external_id: line.split(',')[0]!, name: line.split(',')[1]! }) as Customer)
      return { status: 201 }
    }
    if (method === 'PATCH') {
      if (job.state !== 'open') return { status: 400 }
      job.state = 'started'
      return { json: {} }
    }
    if (what === 'results') {
      const lines = job.rows.map(({ external_id }) => {
        const { id } = this.customers.findLast((one) => one.external_id === external_id)!
        return `${id},${external_id}\n`
      })
      return { text: `id,external_id\n${lines.join('')}` }
    }
    await this.onStatus()
    return { json: { state: job.state } }
  }
}

const bulk = (operation: string, above: number) => `
    bulk:
      above: ${above}
      size: 1000
      path: /jobs
      body: { operation: ${operation} }
      item: \${ values }
      job:
        id: response.id
        every_seconds: 0.01
        upload: { path: "/jobs/\${ job.id }/data", as: csv }
        close: { path: "/jobs/\${ job.id }", body: { state: closed } }
        status: { path: "/jobs/\${ job.id }" }
        done: response.state = "done"
        outcomes: { ok: { path: "/jobs/\${ job.id }/results", as: csv } }
      results: response.ok
      correlate: { result: result.external_id, item: values.external_id }
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
  update: { path: "/customers/\${ id }", body: "\${ values }" }
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
  run: ({ number, name }) => one({ external_id: number!, name: name! }),
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
