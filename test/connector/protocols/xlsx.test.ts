import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { dateText, kindOfFormat } from '../../../src/connector/protocols/files/xlsx/dates.ts'
import { never, readAll, shippedConnector } from './open.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'causeway-xlsx-'))
  cpSync(path.join(import.meta.dirname, 'workbooks'), folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const connector = shippedConnector('xlsx')
const read = async (file: string, more: { sheet?: string; key?: string } = {}) => {
  const session = await connector.open({ name: 'test', settings: { folder, file, ...more } })
  return { session, ...(await readAll(session, 'rows')) }
}

test('every kind of cell arrives as what it is', async () => {
  const { records, pages } = await read('openpyxl.xlsx', { sheet: 'Preise & mehr', key: 'sku' })
  expect(records.map(({ id, body }) => ({ id, ...body }))).toMatchObject([
    { id: '2', sku: 2, name: 'zwei\nZeilen\t ', price: 0.3, since: '1900-01-01', at: '1999-12-31T23:59:59', big: -5 },
    { id: 'A-3', name: null, price: 1234.5, since: '2023-03-15', time: null, active: null },
  ])
  expect(records[0]?.body).toMatchObject({ active: false, time: null, odd: 1e21, long: null })
  // A formula without its value, an error, a value under no name: the row is told of, not guessed at.
  expect(pages.flatMap(({ rejected }) => rejected.map(({ error }) => [error.code, error.message]))).toEqual([
    ['CSW-2054', expect.stringContaining('H2 has a formula whose value was not saved')],
    ['CSW-2054', expect.stringContaining('C7 holds the error #N/A')],
    ['CSW-2054', expect.stringContaining('M8 stands in a column without a name')],
  ])
})

test('a sheet written as a stream: 600 rows, days from 1904, saved formulas, a text in several fonts', async () => {
  const { records, session, cursor } = await read('xlsxwriter.xlsx')
  expect(records).toHaveLength(601)
  expect(records[0]?.body).toEqual({ id: 1, name: 'row 1', day: '2026-01-02', n: 2 })
  expect(records[600]?.body).toEqual({ id: 601, name: 'a bold end', day: null, n: null })
  expect((await readAll(session, 'rows', 'incremental', cursor)).records).toEqual([])
  const found = await session.lookup({ stream: 'rows', field: 'id', values: ['7', 'x'], signal: never })
  expect([...found.keys()]).toEqual(['7'])
  expect(session.streams.get('rows')?.abilities).toMatchObject({ read: true, create: false, update: false })
})

test('sheets by place, and a sheet that is not there names those that are', async () => {
  expect((await read('openpyxl.xlsx', { sheet: '2', key: 'sku' })).records).toHaveLength(2)
  await expect(read('openpyxl.xlsx', { sheet: 'Prices' })).rejects.toMatchObject({
    code: 'CSW-2053',
    message: expect.stringContaining('it has "Übersicht", "Preise & mehr"'),
  })
})

/** A ZIP of the given parts. */
function zip(parts: Record<string, string>): Buffer {
  const pieces: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, text] of Object.entries(parts)) {
    const bytes = Buffer.from(text)
    const packed = deflateRawSync(bytes)
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(8, 4)
    head.writeUInt32LE(crc32(bytes), 10)
    head.writeUInt32LE(packed.length, 14)
    head.writeUInt32LE(bytes.length, 18)
    head.writeUInt16LE(Buffer.byteLength(name), 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    pieces.push(Buffer.from('PK\x03\x04'), head, Buffer.from(name), packed)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, tail, Buffer.from(name))
    at += 30 + Buffer.byteLength(name) + packed.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(Object.keys(parts).length, 4)
  end.writeUInt16LE(Object.keys(parts).length, 6)
  end.writeUInt32LE(entries.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...pieces, entries, Buffer.from('PK\x05\x06'), end])
}

const types = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const workbook = (sheet: string, texts = '<x:sst xmlns:x="urn:x"/>'): Buffer =>
  zip({
    '_rels/.rels': `<Relationships><Relationship Id="a" Type="${types}/officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml':
      '<x:workbook xmlns:x="urn:x" xmlns:r="urn:r"><x:sheets><x:sheet name="S" r:id="b"/></x:sheets></x:workbook>',
    'xl/_rels/workbook.xml.rels': `<Relationships><Relationship Id="b" Type="${types}/worksheet" Target="../xl/s.xml"/><Relationship Id="c" Type="${types}/sharedStrings" Target="t.xml"/></Relationships>`,
    'xl/s.xml': sheet,
    'xl/t.xml': texts,
  })
const sheetOf = (rows: string) => `<x:worksheet xmlns:x="urn:x"><x:sheetData>${rows}</x:sheetData></x:worksheet>`

test('prefixed names, cells without addresses, phonetic texts and escaped characters', async () => {
  const rows =
    '<x:row><x:c t="inlineStr"><x:is><x:t>id</x:t></x:is></x:c><x:c t="s"><x:v>0</x:v></x:c></x:row>' +
    '<x:row><x:c><x:v>12345678901234567890</x:v></x:c><x:c t="str"><x:f>A1</x:f><x:v>a_x000D_b_x005F_x0041_</x:v></x:c></x:row>' +
    '<x:row r="9"><x:c r="B9" t="s"><x:v>1</x:v></x:c></x:row>'
  const texts =
    '<x:sst xmlns:x="urn:x"><x:si><x:r><x:t>na</x:t></x:r><x:r><x:t>me</x:t></x:r><x:rPh sb="0" eb="1"><x:t>no</x:t></x:rPh></x:si></x:sst>'
  writeFileSync(path.join(folder, 'a.xlsx'), workbook(sheetOf(rows), texts))
  const { records, pages } = await read('a.xlsx')
  expect(records.map(({ id, body }) => [id, JSON.stringify(body)])).toEqual([
    ['12345678901234567890', '{"id":12345678901234567890,"name":"a\\rb_x0041_"}'],
  ])
  expect(pages[0]?.rejected[0]?.error.message).toContain('B9 names a text that is not there')
})

test.each([
  ['a file that is no ZIP', Buffer.from('\xd0\xcf\x11\xe0 an old .xls', 'latin1')],
  ['a ZIP without a workbook', zip({ 'a.txt': 'x' })],
  ['XML that ends too early', workbook('<x:worksheet xmlns:x="urn:x"><x:sheetData><x:row>')],
  [
    'an entity that would be expanded',
    workbook(`<!DOCTYPE x [<!ENTITY e "boom">]>${sheetOf('<x:row><x:c t="str"><x:v>&e;</x:v></x:c></x:row>')}`),
  ],
  ['two columns of one name', workbook(sheetOf('<x:row><x:c><x:v>1</x:v></x:c><x:c><x:v>1</x:v></x:c></x:row>'))],
  ['a cell beyond the last column', workbook(sheetOf('<x:row><x:c r="ZZZ1"><x:v>1</x:v></x:c></x:row>'))],
])('%s is told as such', async (_what, bytes) => {
  writeFileSync(path.join(folder, 'a.xlsx'), bytes)
  await expect(read('a.xlsx')).rejects.toMatchObject({ code: 'CSW-2053' })
})

test('a workbook that is cut anywhere is never taken for a whole one', async () => {
  const whole = readFileSync(path.join(folder, 'openpyxl.xlsx'))
  for (let length = 0; length < whole.length; length += 397) {
    writeFileSync(path.join(folder, 'a.xlsx'), whole.subarray(0, length))
    await expect(read('a.xlsx', { key: 'sku' })).rejects.toMatchObject({ code: 'CSW-2053' })
  }
})

test.each([
  [14, undefined, 'date'],
  [22, undefined, 'moment'],
  [0, undefined, null],
  [164, 'yyyy\\-mm\\-dd', 'date'],
  [164, '[$-409]d-mmm-yy;@', 'date'],
  [164, 'h:mm:ss.000', 'time'],
  [164, '[h]:mm', null],
  [164, '#,##0.00 "d"', null],
  [164, '0.00E+00', null],
  [164, '[Red]General', null],
  [164, 'dd/mm/yyyy hh:mm', 'moment'],
])('format %i %j shows %j', (id, code, kind) => {
  expect(kindOfFormat(id, code)).toBe(kind)
})

test('property: each day after February 1900 has its own number, and each second of it arrives', () => {
  const [first, last] = [Date.UTC(1900, 2, 1), Date.UTC(9999, 11, 31, 23, 59, 59)]
  fc.assert(
    fc.property(fc.integer({ min: first / 1000, max: last / 1000 }), (seconds) => {
      const moment = new Date(seconds * 1000)
      const serial = (moment.getTime() - Date.UTC(1899, 11, 30)) / 86_400_000
      const from1904 = (moment.getTime() - Date.UTC(1904, 0, 1)) / 86_400_000
      const text = moment.toISOString().slice(0, 19)
      expect(dateText(serial, 'moment', false)).toBe(text)
      expect(dateText(from1904, 'moment', true)).toBe(from1904 < 0 ? null : text)
      expect(dateText(Math.floor(serial), 'date', false)).toBe(text.slice(0, 10))
    }),
  )
  expect([1, 59, 60, 61].map((serial) => dateText(serial, 'date', false))).toEqual([
    '1900-01-01',
    '1900-02-28',
    null,
    '1900-03-01',
  ])
})
