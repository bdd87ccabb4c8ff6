/** The generic SCIM connector against the sample directory, which it was not written for. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { type ConnectorSession, loadConnectors, type WriteItem } from '../../src/connector/index.ts'
import { never, readAll } from '../connector/protocols/open.ts'
import { ANY_PORT } from './calls.ts'

const catalogue = loadConnectors([join(import.meta.dirname, '../../connectors')], new Set(['scim']))
let sandbox: Sandbox
let directory: ConnectorSession
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT })
  const settings = { url: `${sandbox.directory.url}/scim/v2`, token: sandbox.directory.token, changes_by_filter: true }
  directory = await catalogue.get('scim').open({ name: 'scim', settings, allow: ['127.0.0.1'] })
})
afterAll(() => sandbox.stop())

const write = (operation: 'create' | 'update' | 'delete', item: Partial<WriteItem>) =>
  directory.write({
    stream: 'users',
    operation,
    items: [{ ref: 'a', values: {}, idempotencyKey: 'a', ...item }],
    signal: never,
  })

test('the manifest has no fault', () => {
  expect(catalogue.findings).toEqual([])
})

test('users are read whole, then those that changed', async () => {
  const all = await readAll(directory, 'users', 'incremental')
  expect(all.records).toHaveLength(60)
  const { id } = all.records[7]!
  await sandbox.directory.door.change('users', id, {})
  const changed = await readAll(directory, 'users', 'incremental', all.cursor)
  expect(changed.records.map((record) => record.id)).toContain(id)
  expect(changed.records.length).toBeLessThan(10)
})

test('a user is created, found whatever stands in its name, patched and deleted', async () => {
  const userName = 'o"neil\\@x.example'
  const created = await write('create', { values: { userName, displayName: "O'Neil", active: true } })
  expect(created).toMatchObject([{ status: 'written', body: { userName } }])
  const found = await directory.lookup({
    stream: 'users',
    field: 'userName',
    values: [userName, 'nobody" or "1" eq "1'],
    signal: never,
  })
  expect([...found.keys()]).toEqual([userName])
  const { id } = found.get(userName)![0]!
  expect(await write('update', { id, values: { displayName: null, title: 'Chef' } })).toMatchObject([
    { status: 'written', id },
  ])
  const [after] = await directory.fetch({ stream: 'users', ids: [id, 'no-such-id'], signal: never })
  expect(after!.body).toMatchObject({ userName, title: 'Chef' })
  expect(after!.body.displayName ?? null).toBeNull()
  expect(await write('create', { values: { userName } })).toMatchObject([
    { status: 'refused', error: { code: 'CSW-3008' } },
  ])
  expect(await write('delete', { id })).toMatchObject([{ status: 'written' }])
  expect(await write('delete', { id })).toMatchObject([{ status: 'missing' }])
})
