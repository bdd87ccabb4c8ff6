import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, type SystemName, startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, client, type Reply } from './calls.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT })
})
afterAll(() => sandbox.stop())

type Way = {
  system: SystemName
  table: string
  what: string
  /** Whether rows may also vanish from earlier pages; counted pages would skip one then, as their models do. */
  holdsRemovals: boolean
  first: string
  rows(reply: Reply): { id: unknown }[]
  next(reply: Reply, url: URL): string | null
}
const bigIds = (reply: Reply) => [...reply.text.matchAll(/"id":(\d{17,})/g)].map(([, id]) => ({ id }))

const ways: Way[] = [
  {
    system: 'crm',
    holdsRemovals: true,
    table: 'contacts',
    what: 'cursor',
    first: '/crm/v1/contacts?limit=100',
    rows: (reply) => reply.json.results,
    next: (reply, url) => withQuery(url, 'after', reply.json.paging?.next.after),
  },
  {
    system: 'helpdesk',
    holdsRemovals: false,
    table: 'tickets',
    what: 'numbered pages',
    first: '/api/v2/tickets?per_page=50',
    rows: (reply) => reply.json.tickets,
    next: (reply) => reply.json.next_page,
  },
  {
    system: 'erp',
    holdsRemovals: false,
    table: 'invoices',
    what: 'offsets',
    first: '/api/invoices?limit=100&offset=0',
    rows: (reply) => reply.json.value,
    next: ({ json }, url) =>
      withQuery(url, 'offset', json.offset + json.limit < json.total ? json.offset + json.limit : undefined),
  },
  {
    system: 'hrm',
    holdsRemovals: true,
    table: 'employees',
    what: 'next address',
    first: '/v2/employees?limit=20',
    rows: bigIds,
    next: (reply) => reply.json.links.next,
  },
  {
    system: 'documents',
    holdsRemovals: true,
    table: 'items',
    what: 'page tokens',
    first: '/v1/items?page_size=20',
    rows: (reply) => reply.json.items,
    next: (reply, url) => withQuery(url, 'page_token', reply.json.next_page_token ?? undefined),
  },
  {
    system: 'directory',
    holdsRemovals: false,
    table: 'users',
    what: 'start index',
    first: '/scim/v2/Users?startIndex=1&count=20',
    rows: (reply) => reply.json.Resources,
    next: ({ json }, url) =>
      withQuery(
        url,
        'startIndex',
        json.startIndex + json.itemsPerPage <= json.totalResults ? json.startIndex + json.itemsPerPage : undefined,
      ),
  },
]

function withQuery(url: URL, name: string, value: unknown): string | null {
  if (value === undefined) return null
  const next = new URL(url)
  next.searchParams.set(name, String(value))
  return next.href
}

test.each(ways)('$system: $what give every record of before exactly once while records change', async (way) => {
  const ask = await client(sandbox, way.system)
  const ids = (await sandbox[way.system].door.records(way.table)).filter(isShown).map((row) => String(row.id))
  const seen: string[] = []
  let pages = 0
  for (let next: string | null = way.first; next !== null; pages++) {
    const url: URL = new URL(next, sandbox[way.system].url)
    const reply: Reply = await ask('GET', url.href)
    expect(reply.status).toBe(200)
    seen.push(...way.rows(reply).map((row) => String(row.id)))
    if (way.holdsRemovals) await sandbox[way.system].door.remove(way.table, seen.at(-1)!)
    for (const id of [ids[0]!, ids[ids.length >> 1]!]) await sandbox[way.system].door.change(way.table, id, {})
    next = way.next(reply, url)
  }
  expect(pages).toBeGreaterThan(2)
  expect(seen.length).toBe(new Set(seen).size)
  expect(ids.filter((id) => !seen.includes(id))).toEqual([])
})

const isShown = (row: Record<string, unknown>): boolean =>
  row.id !== 'root' && row.status !== 'deleted' && row.archived !== true

test('crm: a search by time of change pages through records that share one moment', async () => {
  const ask = await client(sandbox, 'crm')
  const all = await sandbox.crm.door.records<{ updatedAt: number }>('contacts')
  const moments = new Map<number, number>()
  for (const { updatedAt } of all) moments.set(updatedAt, (moments.get(updatedAt) ?? 0) + 1)
  const [moment, count] = [...moments].sort((a, b) => b[1] - a[1])[0]!
  expect(count).toBeGreaterThan(200)
  const seen: string[] = []
  for (let after: string | undefined, more = true; more; ) {
    const filters = [
      { property: 'updatedAt', operator: 'GTE', value: String(moment) },
      { property: 'updatedAt', operator: 'LTE', value: moment },
    ]
    const { json } = await ask('POST', '/crm/v1/contacts/search', { filters, limit: 100, after })
    seen.push(...json.results.map((row: { id: string }) => row.id))
    after = json.paging?.next.after
    more = after !== undefined
  }
  expect(new Set(seen).size).toBe(count)
  expect(seen.length).toBe(count)
})

test('crm: a search in the order of change skips nothing when records move to its end', async () => {
  const ask = await client(sandbox, 'crm')
  const before = (await sandbox.crm.door.records('companies')).map((row) => row.id)
  const seen: string[] = []
  for (let after: string | undefined, more = true; more; ) {
    const sorts = [{ property: 'updatedAt', direction: 'ASCENDING' }]
    const { json } = await ask('POST', '/crm/v1/companies/search', { sorts, limit: 100, after })
    seen.push(...json.results.map((row: { id: string }) => row.id))
    after = json.paging?.next.after
    more = after !== undefined
    if (seen.length === 100) for (const id of seen.slice(0, 3)) await sandbox.crm.door.change('companies', id, {})
  }
  expect(before.filter((id) => !seen.includes(String(id)))).toEqual([])
  expect(seen.length).toBe(before.length + 3)
})

test('crm: archived records show in their own listing and merged ids lead to the survivor', async () => {
  const ask = await client(sandbox, 'crm')
  const [a, b, c] = (await ask('GET', '/crm/v1/contacts?limit=3')).json.results
  expect((await ask('POST', '/crm/v1/contacts/merge', { primaryId: a.id, secondaryId: b.id })).json.mergedIds).toEqual([
    b.id,
  ])
  expect((await ask('GET', `/crm/v1/contacts/${b.id}`)).json.id).toBe(a.id)
  expect((await ask('DELETE', `/crm/v1/contacts/${c.id}`)).status).toBe(204)
  const archived = (await ask('GET', '/crm/v1/contacts?archived=true')).json.results
  expect(archived.map((row: { id: string }) => row.id)).toEqual(expect.arrayContaining([b.id, c.id]))
  expect((await ask('GET', `/crm/v1/contacts/${c.id}`)).status).toBe(404)
})

test('helpdesk: deleted tickets show to those who ask for changes, and only to them', async () => {
  const ask = await client(sandbox, 'helpdesk')
  const since = new Date().toISOString()
  const { id } = (await ask('GET', '/api/v2/tickets?per_page=1')).json.tickets[0]
  expect((await ask('DELETE', `/api/v2/tickets/${id}`)).status).toBe(204)
  const changed = (await ask('GET', `/api/v2/tickets?updated_since=${since}`)).json.tickets
  expect(changed.find((ticket: { id: number }) => ticket.id === id).status).toBe('deleted')
  expect((await ask('GET', `/api/v2/tickets?ids=${id}`)).json.tickets).toEqual([])
})

test('helpdesk: the link header names the next page as the body does', async () => {
  const reply = await (await client(sandbox, 'helpdesk'))('GET', '/api/v2/tickets?per_page=100')
  expect(reply.headers.get('link')).toBe(`<${reply.json.next_page}>; rel="next"`)
})

test('hrm: changes since a moment come in the order of change, and a withdrawn absence leaves no trace', async () => {
  const ask = await client(sandbox, 'hrm')
  const since = new Date(Date.now() - 1).toISOString()
  const ids = (await sandbox.hrm.door.records('absences')).slice(0, 5).map((row) => String(row.id))
  for (const id of [...ids].reverse()) await sandbox.hrm.door.change('absences', id, { status: 'approved' })
  await sandbox.hrm.door.remove('absences', ids[4]!)
  const { json } = await ask('GET', `/v2/absences?updated_after=${since}&limit=2`)
  const rest = await ask('GET', json.links.next)
  const seen = [...json.data, ...rest.json.data].map((row: { id: number }) => String(row.id))
  expect(new Set(seen)).toEqual(new Set(ids.slice(0, 4)))
  expect((await ask('GET', `/v2/absences/${ids[4]}`)).status).toBe(404)
})
