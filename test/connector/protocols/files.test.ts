import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WriteItem } from '../../../src/connector/index.ts'
import { csvFormat } from '../../../src/connector/protocols/files/csv.ts'
import type { FileFormat, Row } from '../../../src/connector/protocols/files/format.ts'
import { jsonlFormat } from '../../../src/connector/protocols/files/jsonl.ts'
import { localPlace } from '../../../src/connector/protocols/files/local.ts'
import { writeItems } from '../../../src/connector/protocols/files/write.ts'
import type { JsonObject } from '../../../src/core/index.ts'

const csv = csvFormat({ delimiter: ',', quote: '"', encoding: 'utf-8', escapeFormulas: false })
const jsonl = jsonlFormat({ encoding: 'utf-8' })
const never = new AbortController().signal

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'causeway-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, content: string | Buffer) => writeFileSync(path.join(folder, name), content)
const text = (name: string) => readFileSync(path.join(folder, name), 'utf8')

async function rowsOf(format: FileFormat, name: string): Promise<Row[]> {
  const handle = (await (await localPlace(folder, name)).open())!
  try {
    const rows: Row[] = []
    for await (const row of format.rows({ handle, name })) rows.push(row)
    return rows
  } finally {
    await handle.close()
  }
}

const bodies = async (format: FileFormat, name: string) => (await rowsOf(format, name)).map((row) => row.body)

const item = (values: JsonObject, id?: string): WriteItem => ({
  ...{ ref: id ?? String(values.id), values, idempotencyKey: 'x' },
  ...(id === undefined ? {} : { id }),
})

const write = async (
  format: FileFormat,
  name: string,
  operation: 'create' | 'update' | 'upsert' | 'delete',
  items: WriteItem[],
) => {
  const place = await localPlace(folder, name, { create: true })
  const keyOf = (body: JsonObject) => (body.id === undefined ? null : String(body.id))
  return place.alone(5_000, never, () => writeItems({ place, format, keyField: 'id', keyOf }, operation, items))
}

test('CSV: quotes, line breaks, BOM, CRLF and spaces arrive unchanged', async () => {
  put('a.csv', '\ufeffid,name,note\r\n1,"Müller, ""Rosa""","two\r\nlines"\r\n2,  spaced ,\r\n')
  expect(await bodies(csv, 'a.csv')).toEqual([
    { id: '1', name: 'Müller, "Rosa"', note: 'two\r\nlines' },
    { id: '2', name: '  spaced ', note: '' },
  ])
})

test('CSV: a row of wrong length is rejected with its line, the others are read', async () => {
  put('a.csv', 'id,name\n1,a\n2\n3,c\n')
  const rows = await rowsOf(csv, 'a.csv')
  expect(rows.map((row) => row.body?.id ?? null)).toEqual(['1', null, '3'])
  const broken = rows[1]!
  expect(broken.body === null && broken.error).toMatchObject({ code: 'CSW-2054', place: { file: 'a.csv', line: 3 } })
})

test.each([
  ['a quote that is never closed', 'id,name\n1,"a\n2,b\n', 'CSW-2053'],
  ['a quote inside of a cell', 'id,name\n1,a"b"\n', 'CSW-2053'],
  ['two columns of one name', 'id,id\n1,2\n', 'CSW-2053'],
  ['a column without a name', 'id,\n1,2\n', 'CSW-2053'],
])('CSV: %s ends the reading with a place', async (_what, content, code) => {
  put('a.csv', content)
  await expect(bodies(csv, 'a.csv')).rejects.toMatchObject({ code, place: { file: 'a.csv' } })
})

test('text that is not valid in its encoding is an error, not a replacement character', async () => {
  put('a.csv', Buffer.from('id,name\n1,M\xfcller\n', 'latin1'))
  await expect(bodies(csv, 'a.csv')).rejects.toMatchObject({ code: 'CSW-2053' })
  const western = csvFormat({ delimiter: ',', quote: '"', encoding: 'windows-1252', escapeFormulas: false })
  expect(await bodies(western, 'a.csv')).toEqual([{ id: '1', name: 'Müller' }])
})

test('JSON lines: numbers keep their spelling, and a line in the making is not taken for data', async () => {
  put('a.jsonl', '{"id":1,"n":0.10}\n\n{"id":2,"n":9223372036854775807}\n[1]\n')
  const rows = await rowsOf(jsonl, 'a.jsonl')
  expect(rows.map((row) => JSON.stringify(row.body))).toEqual([
    '{"id":1,"n":0.10}',
    '{"id":2,"n":9223372036854775807}',
    'null',
  ])
  expect(rows[2]).toMatchObject({ line: 4, error: { code: 'CSW-2054' } })
  appendFileSync(path.join(folder, 'a.jsonl'), '{"id":3,"n"')
  await expect(bodies(jsonl, 'a.jsonl')).rejects.toMatchObject({ code: 'CSW-2055', place: { line: 5 } })
})

test('upsert changes rows in place, adds new ones and new columns, and leaves the rest alone', async () => {
  put('a.csv', '\ufeffid,name\n1,one\n2\n3,three')
  const outcomes = await write(csv, 'a.csv', 'upsert', [
    item({ id: '3', name: 'drei' }),
    item({ id: '4', city: 'Łódź' }),
  ])
  expect(outcomes).toMatchObject([
    { ref: '3', status: 'written', id: '3' },
    { ref: '4', status: 'written', id: '4' },
  ])
  expect(text('a.csv')).toBe('\ufeffid,name,city\n1,one,\n2\n3,drei,\n4,,Łódź\n')
})

test('update keeps what is not sent, clears with null, and says which rows are missing', async () => {
  put('a.csv', 'id,name,city\n1,one,Basel\n')
  const outcomes = await write(csv, 'a.csv', 'update', [item({ name: null }, '1'), item({ name: 'x' }, '9')])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['written', 'missing'])
  expect(await bodies(csv, 'a.csv')).toEqual([{ id: '1', name: '', city: 'Basel' }])
})

test('delete removes rows; JSON lines that are not touched stay byte for byte', async () => {
  put('a.jsonl', '{"id":1,  "n":1.0}\n{"id":2}\n{"id":3}')
  const outcomes = await write(jsonl, 'a.jsonl', 'delete', [item({}, '2')])
  expect(outcomes[0]).toMatchObject({ status: 'written', id: '2' })
  expect(text('a.jsonl')).toBe('{"id":1,  "n":1.0}\n{"id":3}\n')
})

test('create appends after a last line without its end, and makes file and folders', async () => {
  put('a.csv', 'id,name\n1,one')
  await write(csv, 'a.csv', 'create', [item({ id: '2', name: 'two' })])
  expect(text('a.csv')).toBe('id,name\n1,one\n2,two\n')
  await write(jsonl, 'new/folder/b.jsonl', 'create', [item({ id: 7, n: ['x'] })])
  expect(text('new/folder/b.jsonl')).toBe('{"id":7,"n":["x"]}\n')
})

test('what does not fit is refused by itself, the others are written', async () => {
  put('a.csv', 'id,name\n')
  const outcomes = await write(csv, 'a.csv', 'upsert', [
    item({ id: '1', name: { first: 'x' } }),
    item({ name: 'no key' }),
    item({ id: '3', name: 'half \ud83d' }),
    item({ id: '2', name: true }),
  ])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['refused', 'refused', 'refused', 'written'])
  expect(await bodies(csv, 'a.csv')).toEqual([{ id: '2', name: 'true' }])
})

test('formulas go out unchanged by default and are defused where the manifest asks for it', async () => {
  await write(csv, 'a.csv', 'create', [item({ id: '1', name: '=1+2' })])
  expect(text('a.csv')).toBe('id,name\n1,=1+2\n')
  const safe = csvFormat({ delimiter: ',', quote: '"', encoding: 'utf-8', escapeFormulas: true })
  await write(safe, 'b.csv', 'create', [item({ id: '1', name: '=1+2' })])
  expect(text('b.csv')).toContain("'=1+2")
})

test.each(['../x.csv', '/etc/passwd', 'a/../../x', '', 'a\0b', '..\\x'])(
  '%j does not leave the folder',
  async (name) => {
    await expect(localPlace(folder, name)).rejects.toMatchObject({ code: 'CSW-2051' })
  },
)

test('links that lead out of the folder are refused, for files and for folders on the way', async () => {
  const outside = mkdtempSync(path.join(tmpdir(), 'causeway-outside-'))
  writeFileSync(path.join(outside, 'secret.csv'), 'id\n1\n')
  symlinkSync(path.join(outside, 'secret.csv'), path.join(folder, 'link.csv'))
  symlinkSync(outside, path.join(folder, 'door'))
  for (const name of ['link.csv', 'door/secret.csv', 'door/new.csv', 'door/deeper/new.csv'])
    await expect(localPlace(folder, name, { create: true })).rejects.toMatchObject({ code: 'CSW-2051' })
  expect(readdirSync(outside)).toEqual(['secret.csv'])
  rmSync(outside, { recursive: true })
})

test('writers of one file take turns: no row is lost', async () => {
  const jobs = Array.from({ length: 25 }, (_, n) =>
    write(csv, 'a.csv', 'upsert', [item({ id: String(n), name: `n${n}` })]),
  )
  await Promise.all(jobs)
  expect((await bodies(csv, 'a.csv')).map((body) => Number(body?.id)).sort((a, b) => a - b)).toEqual([
    ...Array(25).keys(),
  ])
  expect(readdirSync(folder)).toEqual(['a.csv'])
})

test('the lock of a living process holds others off; the lock of a dead one does not', async () => {
  put('a.csv', 'id,name\n')
  const uuid = '00000000-0000-4000-8000-000000000000'
  const host = encodeURIComponent((await import('node:os')).hostname())
  const place = await localPlace(folder, 'a.csv')
  // Process 1 always lives and is not ours.
  const living = path.join(folder, `.a.csv.lock-${host}-1-${uuid}`)
  writeFileSync(living, '')
  await expect(place.alone(200, never, async () => 1)).rejects.toMatchObject({ code: 'CSW-2055' })
  rmSync(living)
  writeFileSync(path.join(folder, `.a.csv.lock-${host}-4194399-${uuid}`), '')
  expect(await place.alone(1_000, never, async () => 2)).toBe(2)
})

test('a change by somebody without our lock is noticed, and nothing is overwritten', async () => {
  put('a.csv', 'id,name\n1,one\n')
  const place = await localPlace(folder, 'a.csv')
  const keyOf = (body: JsonObject) => {
    // While the rows are read, another program replaces the file.
    put('a.csv', 'id,name\n1,one\n2,two\n')
    return String(body.id)
  }
  const target = { place, format: csv, keyField: 'id', keyOf }
  await sleep(5)
  await expect(writeItems(target, 'upsert', [item({ id: '1', name: 'eins' })])).rejects.toMatchObject({
    code: 'CSW-2055',
  })
  expect(text('a.csv')).toBe('id,name\n1,one\n2,two\n')
  expect(readdirSync(folder)).toEqual(['a.csv'])
})

test('property: whatever texts are written to CSV come back the same', async () => {
  mkdirSync(path.join(folder, 'p'))
  let n = 0
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.record({
          id: fc.uuid(),
          a: fc.string({ unit: 'grapheme' }),
          b: fc.string({ unit: fc.constantFrom('\r', '\n', '"', ',', ' ', '\ufeff', "'", 'ü', '\0', '=') }),
        }),
        {
          selector: (row) => row.id,
          minLength: 1,
          maxLength: 8,
        },
      ),
      async (rows) => {
        const name = `p/${n++}.csv`
        await write(
          csv,
          name,
          'upsert',
          rows.map((row) => item({ ...row })),
        )
        // CSV as such knows no difference between line ends outside quotes; inside they are data and must survive.
        expect(await bodies(csv, name)).toEqual(rows.map((row) => ({ ...row })))
      },
    ),
    { numRuns: 60 },
  )
})

test('rows that end with a delimiter, and numbers with a decimal comma, are read and written back in their own form', async () => {
  const polish = csvFormat({
    ...{ delimiter: ';', quote: '"', encoding: 'utf-8', escapeFormulas: false },
    ...{ trailingDelimiter: true, decimalComma: ['price'] },
  })
  put('a.csv', 'id;price;note;\n1;1.234,50;1,5;\n2;-0,10;;\n3;n/a;x;\n')
  expect(await bodies(polish, 'a.csv')).toEqual([
    { id: '1', price: '1234.50', note: '1,5' },
    { id: '2', price: '-0.10', note: '' },
    { id: '3', price: 'n/a', note: 'x' },
  ])
  await write(polish, 'a.csv', 'upsert', [item({ id: '2', price: '7.25' }), item({ id: '4', price: '8', note: 'a;b' })])
  expect(text('a.csv')).toBe('id;price;note;\n1;1234,50;1,5;\n2;7,25;;\n3;n/a;x;\n4;8;"a;b";\n')
})

test('who lost the right to write while a file was rewritten leaves it as it was', async () => {
  put('a.csv', 'id,name\n1,one\n')
  const place = await localPlace(folder, 'a.csv', { create: true })
  const target = { place, format: csv, keyField: 'id', keyOf: (body: JsonObject) => String(body.id) }
  const change = (maySend: () => boolean) =>
    place.alone(5_000, never, () => writeItems({ ...target, maySend }, 'update', [item({ name: 'late' }, '1')]))
  await expect(change(() => false)).rejects.toMatchObject({ code: 'CSW-3015' })
  expect(text('a.csv')).toBe('id,name\n1,one\n')
  expect(readdirSync(folder)).toEqual(['a.csv'])
  await change(() => true)
  expect(text('a.csv')).toBe('id,name\n1,late\n')
})
