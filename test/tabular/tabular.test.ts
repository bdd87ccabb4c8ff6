import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { expect, onTestFinished, test } from 'vitest'
import { type TableFormat, writeTable } from '../../src/tabular/index.ts'

const COLUMNS = [
  { name: 'id', type: 'text' },
  { name: 'big', type: 'bigint' },
  { name: 'price', type: 'numeric' },
  { name: 'active', type: 'boolean' },
  { name: 'born', type: 'date' },
  { name: 'at', type: 'timestamptz' },
  { name: 'more', type: 'jsonb' },
] as const

const ROW = [
  'a,"b"\nŻółć',
  '9223372036854775807',
  '19.90',
  true,
  '0001-02-28',
  new Date('2026-05-04T08:30:12.345Z'),
  '{"a": [1]}',
]
const EMPTY = ['', null, null, null, null, null, null]

async function* pages(count: number) {
  for (let i = 0; i < count; i++) yield [ROW, EMPTY]
}

async function written(format: TableFormat, count: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-tabular-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, `table.${format}`)
  await writeTable(path, format, { columns: COLUMNS, pages: pages(count) })
  expect(await readdir(folder)).toEqual([`table.${format}`])
  return path
}

test.each([0, 1, 25_000])('a Parquet file of %i pages is read by another library as it was written', async (count) => {
  const file = await asyncBufferFromFile(await written('parquet', count))
  const rows = await parquetReadObjects({ file })
  expect(rows).toHaveLength(count * 2)
  if (count === 0) return
  expect(rows.slice(-2)).toEqual([
    {
      id: ROW[0],
      big: 9223372036854775807n,
      price: 19.9,
      active: true,
      born: new Date('0001-02-28T00:00:00Z'),
      at: ROW[5],
      more: '{"a": [1]}',
    },
    { id: '', big: null, price: null, active: null, born: null, at: null, more: null },
  ])
})

test('a CSV file tells an empty text from nothing and keeps every digit', async () => {
  const text = await readFile(await written('csv', 1), 'utf8')
  expect(text.split('\r\n').at(-2)).toBe('"",,,,,,')
  expect(parse(text)).toEqual([
    COLUMNS.map(({ name }) => name),
    [ROW[0], '9223372036854775807', '19.90', 'true', '0001-02-28', '2026-05-04T08:30:12.345Z', '{"a": [1]}'],
    EMPTY.map(() => ''),
  ])
})

test('a file that cannot be finished leaves the one before in its place', async () => {
  const path = await written('csv', 1)
  const before = await readFile(path, 'utf8')
  async function* broken() {
    yield [ROW]
    throw new Error('the database went away')
  }
  for (const format of ['csv', 'parquet'] as const)
    await expect(writeTable(path, format, { columns: COLUMNS, pages: broken() })).rejects.toThrow('went away')
  expect(await readFile(path, 'utf8')).toBe(before)
})
