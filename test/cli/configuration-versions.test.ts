/** Versions of the configuration over the API and through the command line, against a real ledger. */
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digest } from '../../src/core/index.ts'
import { type KeptFile, saveConfiguration } from '../../src/store/index.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { seedHub } from '../http/rows.ts'
import { runCli } from './run-cli.ts'

let hub: TestHub
const tokenFile = join(tmpdir(), `causeway-versions-token-${process.pid}`)
const file = (path: string, text: string, masked = false): KeptFile => ({
  path,
  content: Buffer.from(text),
  digest: digest(text),
  masked,
})
const MAPPINGS = ['a: 1\nb: 2\n', 'a: 1\nb: 3\n', 'a: 1\nb: 3\nc: 4\n']

beforeAll(async () => {
  hub = await startHub()
  await seedHub(hub.pool)
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  for (const [n, text] of MAPPINGS.entries()) {
    const mapping = `m${n + 1}`
    await hub.pool.query('insert into mapping_version (sync, version, source) values ($1, $2, $3)', [
      'contacts-to-erp',
      mapping,
      text,
    ])
    await saveConfiguration(hub.pool, {
      items: [{ kind: 'sync', name: 'contacts-to-erp', fields: { mapping } }],
      version: {
        files: [
          file('causeway.yaml', 'token: "[secret]"\n', true),
          file('mappings/contacts-to-erp.yaml', text),
          ...(n === 2 ? [file('mappings/new.csv', 'key,value\n')] : []),
        ],
        environment: null,
        mappings: [{ sync: 'contacts-to-erp', version: mapping }],
        how: n === 0 ? 'start' : 'plan',
        actor: n === 0 ? 'hub' : 'user:ada',
        host: 'here',
        reason: n === 0 ? null : `step ${n}`,
      },
    })
  }
})
afterAll(async () => {
  await rm(tokenFile, { force: true })
  await hub.close()
})

const cli = (...args: string[]) => runCli([...args, '--url', hub.url, '--token-file', tokenFile])
const json = async (path: string) => (await hub.get(`/api/v1${path}`)).json() as Promise<Record<string, unknown>>

test('the API lists versions page by page, and those that had the mapping which a run names', async () => {
  const first = (await json('/configuration/versions?limit=2')) as { items: object[]; next: string }
  expect(first.items).toMatchObject([
    {
      version: 3,
      how: 'plan',
      actor: 'user:ada',
      reason: 'step 2',
      inForce: true,
      files: [
        { path: 'mappings/contacts-to-erp.yaml', change: 'changed' },
        { path: 'mappings/new.csv', change: 'added' },
      ],
      items: [{ kind: 'sync', name: 'contacts-to-erp', change: 'changed' }],
    },
    { version: 2, inForce: false },
  ])
  const second = await json(`/configuration/versions?limit=2&cursor=${first.next}`)
  expect(second).toMatchObject({ items: [{ version: 1, how: 'start', actor: 'hub' }], next: null })
  expect(await json('/configuration/versions?sync=contacts-to-erp&mapping=m2')).toMatchObject({
    items: [{ version: 2 }],
    next: null,
  })
  expect(await json('/configuration/versions?sync=another')).toMatchObject({ items: [] })
  expect(await json('/syncs/contacts-to-erp/mappings?limit=2')).toMatchObject({
    items: [
      { version: 'm3', configurations: [3] },
      { version: 'm2', configurations: [2] },
    ],
    next: expect.any(String),
  })
  expect(await json('/syncs/contacts-to-erp/mappings/m1')).toMatchObject({ source: MAPPINGS[0], configurations: [1] })
  expect(await json('/syncs/contacts-to-erp/mappings/m9')).toMatchObject({ code: 'CSW-8002' })
})

test('the API shows a version, a file of it, and what differs from another one', async () => {
  expect(await json('/configuration/versions/1')).toMatchObject({
    version: 1,
    kept: [
      { path: 'causeway.yaml', masked: true, bytes: 18 },
      { path: 'mappings/contacts-to-erp.yaml', masked: false, bytes: 10 },
    ],
  })
  expect(await json('/configuration/versions/2/file?path=mappings/contacts-to-erp.yaml')).toEqual({
    path: 'mappings/contacts-to-erp.yaml',
    text: MAPPINGS[1],
    masked: false,
  })
  expect(await json('/configuration/versions/2/differences')).toEqual({
    from: 2,
    to: 3,
    files: [
      {
        path: 'mappings/contacts-to-erp.yaml',
        change: 'changed',
        masked: false,
        patch: '@@ -1,2 +1,3 @@\n a: 1\n b: 3\n+c: 4',
      },
      { path: 'mappings/new.csv', change: 'added', masked: false, patch: '@@ -0,0 +1,1 @@\n+key,value' },
    ],
  })
  expect(await json('/configuration/versions/3/differences?to=2')).toMatchObject({
    files: [{ change: 'changed' }, { path: 'mappings/new.csv', change: 'removed' }],
  })
  for (const path of [
    '9',
    '9/differences',
    '1/differences?to=9',
    '1/file?path=other.yaml',
    '9/file?path=causeway.yaml',
  ])
    expect(await json(`/configuration/versions/${path}`)).toMatchObject({ code: 'CSW-8002' })
})

test('the command line lists versions, prints files as they stood and shows what differs', async () => {
  const listed = await cli('config', 'versions', '-o', 'human')
  expect(listed.stdout).toMatch(/^3 \* .* plan +user:ada +~ sync contacts-to-erp +step 2/m)
  expect(listed.stdout).toMatch(/^1 .* start +hub +\+ sync contacts-to-erp/m)
  const shown = await cli('config', 'show', '3', '-o', 'human')
  expect(shown.stdout).toMatch(/^version +3, in force$/m)
  expect(shown.stdout).toMatch(/^causeway\.yaml +18 +as before; a secret in it is not kept$/m)
  expect(shown.stdout).toMatch(/^mappings\/new\.csv +10 +added$/m)
  expect((await cli('config', 'show', '2', 'mappings/contacts-to-erp.yaml', '-o', 'human')).stdout).toBe(MAPPINGS[1])
  const secret = await cli('config', 'show', '2', 'causeway.yaml', '-o', 'human')
  expect(secret.stderr).toContain('A secret stood in causeway.yaml')
  expect((await cli('config', 'diff', '1', '2', '-o', 'human')).stdout).toBe(
    '~ mappings/contacts-to-erp.yaml\n  @@ -1,2 +1,2 @@\n   a: 1\n  -b: 2\n  +b: 3\n',
  )
  expect((await cli('config', 'diff', '3', '-o', 'human')).stdout).toBe('Versions 3 and 3 have the same files.\n')
  expect((await cli('config', 'mapping', 'contacts-to-erp', '-o', 'human')).stdout).toMatch(/^m2 .* 2$/m)
  expect((await cli('config', 'mapping', 'contacts-to-erp', 'm1', '-o', 'human')).stdout).toBe(MAPPINGS[0])
  expect((await cli('config', 'show', 'zero')).code).toBe(2)
  const missing = await cli('config', 'show', '9', '-o', 'human')
  expect([missing.code, missing.stderr]).toEqual([expect.any(Number), expect.stringContaining('config versions')])
})
