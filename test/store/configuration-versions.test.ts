import { expect, test } from 'vitest'
import { digest } from '../../src/core/index.ts'
import {
  dropOldRows,
  type KeptFile,
  type NewVersion,
  readInForce,
  saveConfiguration,
  saveUnlessOvertaken,
} from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

const file = (path: string, text: string): KeptFile => ({
  path,
  content: Buffer.from(text),
  digest: digest(text),
  masked: false,
})
const HUB = file('causeway.yaml', 'connections: {}\n')
const version = (...files: KeptFile[]): NewVersion => ({
  files: [HUB, ...files],
  environment: null,
  mappings: files.map(({ path, digest: of }) => ({ sync: path, version: of })),
  how: 'edit',
  actor: 'hub',
  host: 'here',
})
const sync = (name: string, mapping: string) => ({ kind: 'sync' as const, name, fields: { mapping } })
const coming = (text: string) => ({ items: [sync('a', text)], version: version(file('mappings/a.yaml', text)) })
const DAYS = { runs: 30, deadLetters: 30, formerLinks: 30, configuration: 30 }

test('a version is kept for each change and none for what is in force already; a text is kept once', async () => {
  const { pool } = await freshDatabase()
  for (const text of ['one', 'one', 'two', 'two', 'one']) await saveConfiguration(pool, coming(text))
  const { rows } = await pool.query<{ changes: string }>('select changes from configuration_version order by id')
  expect(rows.map(({ changes }) => JSON.parse(changes))).toEqual([
    {
      files: [
        { path: 'causeway.yaml', change: 'added' },
        { path: 'mappings/a.yaml', change: 'added' },
      ],
      items: [{ kind: 'sync', name: 'a', change: 'added' }],
    },
    ...Array(2).fill({
      files: [{ path: 'mappings/a.yaml', change: 'changed' }],
      items: [{ kind: 'sync', name: 'a', change: 'changed' }],
    }),
  ])
  const kept = await pool.query<{ content: Buffer }>('select content from configuration_file order by content')
  expect(kept.rows.map(({ content }) => content.toString())).toEqual(['connections: {}\n', 'one', 'two'])
  // The same files in another environment are another configuration.
  await saveConfiguration(pool, { ...coming('one'), version: { ...coming('one').version, environment: 'test' } })
  expect((await pool.query('select 1 from configuration_version')).rowCount).toBe(4)
})

test('files that were read before something else came into force are not kept', async () => {
  const { pool } = await freshDatabase()
  await saveConfiguration(pool, coming('one'))
  const since = await readInForce(pool)
  expect(await saveUnlessOvertaken(pool, coming('two'), since)).toBe(true)
  expect(await saveUnlessOvertaken(pool, coming('one'), since)).toBe(false)
  // Also where only texts differ, not what they mean.
  const commented = { items: [sync('a', 'two')], version: version(file('mappings/a.yaml', 'two # why')) }
  const before = await readInForce(pool)
  await saveConfiguration(pool, commented)
  expect(await saveUnlessOvertaken(pool, coming('two'), before)).toBe(false)
  expect((await pool.query('select fields from configuration')).rows).toEqual([{ fields: '{"mapping":"two"}' }])
  expect((await readInForce(pool)).version).toBe(3)
})

test('of many processes that put the same into force at once one makes the version', async () => {
  const { pool } = await freshDatabase({ max: 8 })
  await saveConfiguration(pool, coming('one'))
  const since = await readInForce(pool)
  const made = await Promise.all(Array.from({ length: 8 }, () => saveUnlessOvertaken(pool, coming('two'), since)))
  expect(made.filter(Boolean)).toHaveLength(1)
  expect((await pool.query('select 1 from configuration_version')).rowCount).toBe(2)
})

test('versions go when their days are over, except the last twenty and what these hold', async () => {
  const { pool } = await freshDatabase()
  for (let n = 0; n < 25; n++) await saveConfiguration(pool, coming(`text ${n}`))
  expect(await dropOldRows(pool, DAYS)).toMatchObject({ configuration_version: 0, configuration_file: 0 })
  await pool.query("update configuration_version set at = now() - interval '31 days' where id <= 4")
  // The fourth was in force until a moment ago.
  expect(await dropOldRows(pool, DAYS)).toMatchObject({ configuration_version: 3, configuration_file: 3 })
  await pool.query("update configuration_version set at = now() - interval '31 days'")
  expect(await dropOldRows(pool, DAYS)).toMatchObject({ configuration_version: 2, configuration_file: 2 })
  const { rows } = await pool.query<{ path: string; content: Buffer }>(
    'select path, content from configuration_version_file join configuration_file using (digest) where version_id = 6 order by path',
  )
  expect(rows.map(({ path, content }) => [path, content.toString()])).toEqual([
    ['causeway.yaml', 'connections: {}\n'],
    ['mappings/a.yaml', 'text 5'],
  ])
})
