/** A manifest says where the ETag of a record stands, and what somebody edits between a look and a write is not run over. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { TestHub } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'
import { anna, pair, SAME } from '../pipeline/two-way-hub.ts'
import { load, open, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const manifest = (condition: string, batch = '') =>
  restManifest(`
  ${condition}
  read: { path: /things, records: response.items }
  fetch: { path: "/things/\${ id }"${batch} }
  write:
    create: { path: /things, body: "\${ values }", id: response.id }
    update: { path: "/things/\${ id }", headers: { If-Match: "\${ version }" }, body: "\${ values }" }
    delete: { path: "/things/\${ id }", headers: { If-Match: "\${ version }" } }
`)

/** A service whose records have a revision: told by ETag for one record, and by a field in lists. */
async function service() {
  const rows = new Map<string, { revision: number; body: JsonObject }>()
  const put = (id: string, values: JsonObject): void => {
    const { revision, body } = rows.get(id) ?? { revision: 0, body: {} }
    rows.set(id, { revision: revision + 1, body: { ...body, ...values } })
  }
  const hooks = { beforeWrite: () => {} }
  const shown = (id: string) => ({ id, ...rows.get(id)!.body, revision: rows.get(id)!.revision })
  const server = await serve(({ method, path, headers, json }) => {
    const id = path.slice('/things/'.length)
    if (method === 'GET' && !id) return { json: { items: [...rows.keys()].map(shown) } }
    if (method === 'POST') {
      const made = `t${rows.size + 1}`
      put(made, json)
      return { status: 201, json: shown(made) }
    }
    if (method !== 'GET') hooks.beforeWrite()
    const row = rows.get(id)
    if (!row) return { status: 404, json: { message: 'gone' } }
    if (method === 'GET') return { json: shown(id), headers: { ETag: `"${row.revision}"` } }
    const wanted = headers['if-match']
    if (wanted !== undefined && wanted.replaceAll('"', '') !== String(row.revision))
      return { status: 412, json: { message: 'changed' } }
    if (method === 'DELETE') rows.delete(id)
    else put(id, json)
    return { json: method === 'DELETE' ? {} : shown(id) }
  })
  return { server, rows, put, hooks }
}

test.each([
  ['the header of an answer for one record', 'condition: headers.etag', '"1"', undefined],
  ['a field of the record', 'condition: record.revision', '1', '1'],
  ['nothing', '', undefined, undefined],
])('told by %s', async (_where, condition, single, listed) => {
  const { server, put } = await service()
  await using _closed = server
  put('t1', { name: 'Anna' })
  const session = await open(manifest(condition), server)
  const [record] = await session.fetch({ stream: 'things', ids: ['t1'], signal })
  expect(record!.condition).toBe(single)
  for await (const page of session.read({ stream: 'things', mode: 'full', cursor: null, signal }))
    expect(page.records.map((one) => one.condition)).toEqual([listed])
})

test.each([
  ['condition: headers.etag', 'Right', 1],
  ['condition: record.revision', 'Right', 1],
  ['', 'Left', 0],
])('an edit between look and write is refused by the target and merged anew (%s)', async (condition, name, asked) => {
  const { server, rows, put, hooks } = await service()
  await using _closed = server
  const crm = new MemorySystem().stream('contacts')
  const desk = await open(manifest(condition), server)
  const hub = await TestHub.open({ crm, desk }, pair('crm:contacts', 'desk:things', SAME))
  const cycle = async (): Promise<void> => {
    for (const stream of ['crm:contacts', 'desk:things']) await hub.pull(stream)
    for (const sync of ['people', 'people~back']) await hub.push(sync)
    await hub.skipWaits()
  }
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.put('contacts', 'c1', { ...anna, name: 'Left' })
  hooks.beforeWrite = () => {
    hooks.beforeWrite = () => {}
    put('t1', { name: 'Right' })
  }
  await hub.pull('crm:contacts')
  await hub.push('people')
  for (let round = 0; round < 3; round++) await cycle()
  expect(rows.get('t1')!.body.name).toBe(name)
  const { rows: questions } = await hub.pool.query("select from conflict where state = 'open' and field = 'name'")
  expect(questions).toHaveLength(asked)
})

test('headers of an answer that is about several records are refused when the manifest is loaded', () => {
  const said = (batch: string) =>
    load(manifest('condition: headers.etag', batch)).findings.map(({ message }) => message)
  expect(said(', query: { ids: "${ ids }" }, batch: 5')).toEqual([expect.stringContaining('told of one record only')])
  expect(said('')).toEqual([])
})
