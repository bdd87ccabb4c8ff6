/** Statements for databases that cannot be started here: their form by properties, their meaning on PostgreSQL, where the words are the same. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Dialect } from '../../../src/connector/protocols/sql/dialect.ts'
import { numberText, oracleText, comparable as oracleTime } from '../../../src/connector/protocols/sql/oracle-text.ts'
import { openRelay } from '../../../src/connector/protocols/sql/relay.ts'
import { comparable as serverTime, sqlServerText } from '../../../src/connector/protocols/sql/sqlserver-text.ts'
import { type Json, parseExact } from '../../../src/core/index.ts'
import { createDialler } from '../../../src/outbound/index.ts'
import { freshDatabase, type TestDatabase } from '../../postgres.ts'
import { failureOf } from '../open.ts'
import { never, shippedConnector } from './open.ts'

type Words = Omit<Dialect, 'connect'>
const dialects: [string, Words, RegExp][] = [
  ['SQL Server', sqlServerText, /@p(\d+)/g],
  ['Oracle', oracleText, /:(\d+)/g],
]
const name = fc.stringMatching(/^[A-Za-z_ .\]"'[]{1,12}$/)
const column = (type: string) => ({ name: 'c', type, nullable: true, primary: false, generated: false })

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase({ migrated: false })
  const { rows } = await database.pool.query('show search_path')
  await database.pool.query(`create schema if not exists ${rows[0].search_path}`)
})
afterAll(() => database.pool.end())

/** The same statement for PostgreSQL: quotes, parameters and what is said besides. */
function translated(text: string): string {
  return text
    .replace(/^declare @made table \(id nvarchar\(400\)\); (.*?); select id from @made.*$/s, '$1')
    .replace(/ output convert\(nvarchar\(400\), inserted\.\[id\]\) into @made/, '')
    .replace(' with (holdlock)', '')
    .replace(/ returning "id" into :made/, ' returning "id"')
    .replaceAll(/\[([^\]]+)\]/g, '"$1"')
    .replaceAll(/(?:@p|:)(\d+)/g, '$$$1')
}

test.each(dialects)('%s: each value has one parameter, in order, whatever the names are', (_, words, parameters) => {
  const numbers = (text: string) => [...text.matchAll(parameters)].map(([, number]) => Number(number))
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 6 }),
      fc.boolean(),
      (columns, upserts) => {
        const shape = { table: 'crm.people', columns, rows: [columns.map((name) => `of ${name}`)], id: 'id' }
        const { text, values } = words.insert({ ...shape, key: upserts ? [columns[0]!] : null })
        expect(numbers(text)).toEqual(upTo(columns.length))
        expect(values).toEqual(shape.rows[0])
      },
    ),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_500 }), fc.integer({ min: 1, max: 9 }), (count, from) => {
      const given = upTo(count).map(String)
      const { text, values } = words.among('q.c', given, from)
      expect(values).toEqual(given)
      expect(numbers(text)).toEqual(upTo(count).map((n) => n + from - 1))
      for (const list of text.match(/\(([^()]*)\)/g) ?? [])
        if (words === oracleText) expect(list.split(',').length).toBeLessThanOrEqual(1_000)
    }),
    { numRuns: 20 },
  )
})

test('a name stays one name in quotes', () => {
  fc.assert(
    fc.property(name, (given) => {
      const server = sqlServerText.quote(given)
      expect(server.slice(1, -1).replaceAll(']]', ']')).toBe(given)
      expect(server.slice(1, -1).replaceAll(']]', '')).not.toContain(']')
      expect(oracleText.quote(given).slice(1, -1)).not.toContain('"')
    }),
  )
})

test.each(dialects)(
  '%s: an upsert makes a row once and then changes it; a page ends where it is told to',
  async (kind, words) => {
    const table = `people_${words.name}`
    const run = (text: string, values: unknown[] = []) => database.pool.query(translated(text), values)
    await run(`create table ${table} (id int generated always as identity, number text unique, name text, city text)`)
    if (kind === 'Oracle') await run('create table if not exists dual as select 1 as dummy')
    const columns = ['number', 'name', 'city']
    const write = async (rows: string[][], key: string[] | null) => {
      const { text, values } = words.insert({ table, columns, rows, key, id: 'id' })
      await run(text, values)
    }
    for (const [number, city] of [
      ['1', 'Łódź'],
      ['2', 'Gdynia'],
      ['1', 'Kraków'],
      ['3', 'Łódź'],
    ] as const)
      await write([[number, `Person ${number}`, city]], ['number'])
    await write([['4', 'Person 4', 'Nysa']], null)
    const select = `select ${words.quote('number')}, city from ${words.quote(table)} order by ${words.quote('number')}`
    expect((await run(words.limited(select, 3))).rows).toEqual([
      { number: '1', city: 'Kraków' },
      { number: '2', city: 'Gdynia' },
      { number: '3', city: 'Łódź' },
    ])
    // Nothing but the key is given: the row that is there stays as it is.
    const alone = words.insert({ table, columns: ['number'], rows: [['2']], key: ['number'], id: 'id' })
    await run(alone.text, alone.values)
    expect(
      (await run(`select count(*)::int as n, max(city) filter (where number = '2') as city from ${table}`)).rows,
    ).toEqual([{ n: 4, city: 'Gdynia' }])
  },
)

test('times and numbers are written as each database takes them, and keep their digits', () => {
  expect(serverTime('2026-11-26T08:00:00.120000Z')).toBe('2026-11-26T08:00:00.12Z')
  expect(serverTime('2026-11-26T08:00:00.000')).toBe('2026-11-26T08:00:00')
  expect(serverTime('2026-11-26T08:00:00.123456789+02:00')).toBe('2026-11-26T08:00:00.1234567+02:00')
  expect(serverTime('17')).toBe('17')
  expect(oracleTime('2026-11-26T08:00:00.000000')).toBe('2026-11-26T08:00:00')
  expect(oracleTime('2026-11-26T08:00:00Z')).toBe('2026-11-26T08:00:00+00:00')
  expect(oracleText.parameter('2026-11-26T10:00:00+02:00', column('date'))).toBe('2026-11-26T08:00:00')
  expect(oracleText.parameter('2026-11-26T10:00:00.25+02:00', column('timestamp(6) with time zone'))).toBe(
    '2026-11-26T10:00:00.25+02:00',
  )
  expect(oracleText.parameter('2026-11-26', column('date'))).toBe('2026-11-26T00:00:00')
  for (const words of [sqlServerText, oracleText]) {
    expect(words.parameter(12.5, column('number'))).toBe('12.5')
    expect(words.parameter(parseExact('123456789012345678901234567890.10') as Json, column('decimal'))).toBe(
      '123456789012345678901234567890.10',
    )
    expect(() => words.parameter({ a: 1 }, column('int'))).toThrow(expect.objectContaining({ code: 'CSW-2056' }))
  }
  expect(['.5', '-.5', '0', '12.5'].map(numberText)).toEqual(['0.5', '-0.5', '0', '12.5'])
})

test.each([
  ['mssql', 'tedious'],
  ['oracle', 'oracledb'],
])('%s says which package it needs', async (connector, needed) => {
  const settings = { host: '127.0.0.1', database: 'd', user: 'u', password: 'p', table: 't' }
  const session = await shippedConnector(connector).open({ name: 'c', settings, allow: ['127.0.0.1'] })
  onTestFinished(() => session.close())
  const error = await failureOf(session.fetch({ stream: 'rows', ids: ['1'], signal: never }))
  expect(error).toMatchObject({ code: 'CSW-2057', message: expect.stringContaining(needed) })
  expect(String(error.fix)).toMatch(new RegExp(`npm install ${needed}@\\d+`))
})

test('a relay passes bytes on for one connection, and ends with it', async () => {
  const echo = createServer((socket) => void socket.pipe(socket)).listen(0, '127.0.0.1')
  onTestFinished(() => void echo.close())
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  const dialler = createDialler('c', { allow: ['127.0.0.1'] })
  const relay = await openRelay(dialler, { host: '127.0.0.1', port, tls: false }, never)
  const client = connect(relay.port, '127.0.0.1')
  client.write('Zażółć')
  const [answer] = (await once(client, 'data')) as [Buffer]
  expect(answer.toString()).toBe('Zażółć')
  const second = connect(relay.port, '127.0.0.1')
  const [refused] = await once(second, 'error')
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
  relay.close()
  await once(client, 'close')
  await expect(openRelay(createDialler('c'), { host: '127.0.0.1', port, tls: false }, never)).rejects.toMatchObject({
    code: 'CSW-3010',
  })
})
