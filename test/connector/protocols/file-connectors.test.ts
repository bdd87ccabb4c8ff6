import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConnectors, type WriteItem } from '../../../src/connector/index.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { never, readAll } from './open.ts'

const catalogue = loadConnectors([path.resolve('connectors')])
let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'causeway-csv-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (connector: 'csv' | 'jsonl', settings: JsonObject) =>
  catalogue.get(connector).open({ name: 'test', settings: { folder, ...settings } })
const put = (name: string, text: string) => writeFileSync(path.join(folder, name), text)
const items = (...rows: JsonObject[]): WriteItem[] =>
  rows.map((values, i) => ({ ref: String(i), values, idempotencyKey: String(i) }))

test('the key column of a connection is its look-up, its upsert key and the id of its records', async () => {
  put('stock.csv', 'sku;name\nA1;Spindel\nB2;Öse\n')
  const session = await open('csv', { file: 'stock.csv', key: 'sku', delimiter: ';' })
  expect(session.streams.get('rows')?.abilities).toMatchObject({ lookup: ['sku'], upsertBy: ['sku'], content: false })
  const { records } = await readAll(session, 'rows')
  expect(records).toEqual([
    { id: 'A1', version: null, body: { sku: 'A1', name: 'Spindel' } },
    { id: 'B2', version: null, body: { sku: 'B2', name: 'Öse' } },
  ])
  const found = await session.lookup({ stream: 'rows', field: 'sku', values: ['B2', 'C3'], signal: never })
  expect([...found.keys()]).toEqual(['B2'])
  const write = { stream: 'rows', operation: 'upsert' as const, signal: never }
  const outcomes = await session.write({
    ...write,
    items: items({ sku: 'B2', name: 'Ring' }, { sku: 'C3', name: 'x' }),
  })
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['written', 'written'])
  expect(readFileSync(path.join(folder, 'stock.csv'), 'utf8')).toBe('sku;name\nA1;Spindel\nB2;Ring\nC3;x\n')
})

test('an unchanged file is not read again; a file of the same size and content in its place is', async () => {
  put('a.jsonl', '{"id":1}\n{"id":2}\n')
  const session = await open('jsonl', { file: 'a.jsonl' })
  const { cursor, records } = await readAll(session, 'rows')
  expect(records.map((record) => record.id)).toEqual(['1', '2'])
  expect((await readAll(session, 'rows', 'incremental', cursor)).records).toEqual([])
  expect((await readAll(session, 'rows', 'full', cursor)).records).toHaveLength(2)
  put('b.jsonl', '{"id":1}\n{"id":3}\n')
  renameSync(path.join(folder, 'b.jsonl'), path.join(folder, 'a.jsonl'))
  expect((await readAll(session, 'rows', 'incremental', cursor)).records.map((record) => record.id)).toEqual(['1', '3'])
})

test('a missing file is a failure, not an empty stream; rows without a key are rejected by themselves', async () => {
  const session = await open('csv', { file: 'a.csv' })
  await expect(readAll(session, 'rows')).rejects.toMatchObject({ code: 'CSW-2052' })
  expect(await session.lookup({ stream: 'rows', field: 'id', values: ['1'], signal: never })).toEqual(new Map())
  put('a.csv', 'id,name\n1,a\n,b\n')
  const { records, pages } = await readAll(session, 'rows')
  expect([records.length, pages[0]?.rejected.map(({ error }) => error.code)]).toEqual([1, ['CSW-5001']])
})

test('a file in another encoding is read, and refused as a target', async () => {
  writeFileSync(path.join(folder, 'a.csv'), Buffer.from('id,name\n1,M\xfcller\n', 'latin1'))
  const session = await open('csv', { file: 'a.csv', encoding: 'windows-1252' })
  expect((await readAll(session, 'rows')).records[0]?.body.name).toBe('Müller')
  const [outcome] = await session.write({
    stream: 'rows',
    operation: 'create',
    items: items({ id: '2' }),
    signal: never,
  })
  expect(outcome).toMatchObject({ status: 'retry', error: { code: 'CSW-2003' } })
  expect((await session.probe(never))[0]).toMatchObject({ ok: true, detail: '2 columns: id, name' })
})

test('memory stays flat over a large file', async () => {
  const rows = 120_000
  const line = `,${'x'.repeat(200)}\n`
  put('big.csv', `id,text\n${Array.from({ length: rows }, (_, i) => i + line).join('')}`)
  const session = await open('csv', { file: 'big.csv' })
  // What is not collected yet is no matter of the reader: only what it still holds counts.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().arrayBuffers
  let count = 0
  let peak = 0
  for await (const page of session.read({ stream: 'rows', mode: 'full', cursor: null, signal: never })) {
    count += page.records.length
    if (count % 20_000 === 0) {
      collect()
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
  }
  expect(count).toBe(rows)
  // The file has 25 MB; chunks of 256 kB come and go.
  expect(peak).toBeLessThan(15_000_000)
})
