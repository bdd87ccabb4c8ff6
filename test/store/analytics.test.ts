import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { isObject, type Json, type JsonObject, JsonText, parseExact, sameJson } from '../../src/core/index.ts'
import { eraseFromAnalytics } from '../../src/store/analytics/erase.ts'
import {
  columnsOf,
  createLedger,
  dropUnkept,
  ensureLinks,
  ensureTable,
  followStream,
  plainName,
  type TableSpec,
} from '../../src/store/index.ts'
import { listAnalyticsTables } from '../../src/store/views/index.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const SCHEMA = {
  properties: {
    email: { type: ['string', 'null'], format: 'email' },
    firstName: { type: 'string' },
    total: { type: ['number', 'integer'] },
    count: { type: 'integer' },
    active: { type: 'boolean' },
    bornOn: { type: 'string', format: 'date' },
    changedAt: { $ref: '#/definitions/moment' },
    address: { type: 'object' },
    either: { type: ['string', 'number'] },
  },
  definitions: { moment: { type: 'string', format: 'date-time' } },
} satisfies JsonObject

let db: TestDatabase
let next = 0

beforeAll(async () => {
  db = await freshDatabase()
  await db.pool.query(`insert into connection (name, connector) values ('crm', 'sample')`)
})

async function followed(options: Partial<TableSpec> = {}): Promise<TableSpec> {
  const name = `contacts${++next}`
  const { rows } = await db.pool.query<{ id: number }>(
    `insert into stream (connection_id, name) select id, $1 from connection returning id`,
    [name],
  )
  return {
    target: 'bi',
    schema: 'bi',
    name: `crm_${name}`,
    streamId: rows[0]!.id,
    columns: columnsOf(SCHEMA),
    history: false,
    ...options,
  }
}

let version = 0
async function commit(spec: TableSpec, bodies: Record<string, JsonObject | null>): Promise<void> {
  version++
  await createLedger(db.pool).commitPage({
    streamId: spec.streamId,
    records: Object.entries(bodies).map(([id, body]) => ({
      id,
      version: String(version).padStart(12, '0'),
      hash: `${version}`,
      body: JsonText.from(JSON.stringify(body ?? {})),
      content: null,
      keys: [],
      deleted: body === null,
      aliases: [],
    })),
    rejected: [],
    requestedAt: new Date(),
    runId: null,
  })
}

async function takeOver(spec: TableSpec): Promise<void> {
  await ensureTable(db.pool, spec)
  while (await followStream(db.pool, spec));
}

const rowsOf = async (spec: TableSpec, suffix = '', order = '_id') =>
  (
    await db.pool.query<{ row: string }>(
      `select to_jsonb(t)::text as row from bi."${spec.name}${suffix}" t order by ${order}`,
    )
  ).rows.map(({ row }) => parseExact(row) as JsonObject)

test('names need no quotes, and fields that would share one get numbers', () => {
  expect(['firstName', 'VAT-ID', '_id', 'Straße 2', '2nd', '†'].map(plainName)).toEqual([
    'first_name',
    'vat_id',
    'id',
    'stra_e_2',
    'f_2nd',
    'f',
  ])
  const columns = columnsOf({ properties: { 'a-b': {}, a_b: {}, aB: { type: 'string' } } })
  expect(columns.map(({ name, type }) => [name, type])).toEqual([
    ['a_b', 'jsonb'],
    ['a_b_2', 'jsonb'],
    ['a_b_3', 'text'],
  ])
})

test('whatever a record holds stands in its row: in its column, among what has none, or among what does not fit', async () => {
  const spec = await followed()
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '2026-02-30',
      '2024-02-29',
      '0000-01-01',
      '2026-05-04T08:30:12Z',
      '2026-05-04 08:30:12',
      'a\0b',
      '\ud800',
    ),
    fc.constantFrom('2026-05-04T23:59:59.123456789+14:00', '9999-12-31T23:59:59-12:00', '0001-01-01T00:00:00+12:00'),
  )
  const numbers = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(...['9223372036854775807', '1e400', '0.10', '-0'].map((text) => parseExact(text) as never)),
  )
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2 },
      fc.constant(null),
      fc.boolean(),
      texts,
      numbers,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(texts, tie('value'), { maxKeys: 3 }) as fc.Arbitrary<JsonObject>,
    ),
  }))
  const field = fc.oneof(fc.constantFrom(...Object.keys(SCHEMA.properties)), texts)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.dictionary(field, value), { minLength: 1, maxLength: 20 }), async (bodies) => {
      await commit(spec, Object.fromEntries(bodies.map((body, i) => [`r${i}`, body])))
      await takeOver(spec)
      const rows = new Map((await rowsOf(spec)).map((row) => [row._id, row]))
      for (const [i, raw] of bodies.entries()) {
        // As the change log gives it back.
        const body = parseExact(JSON.stringify(raw)) as JsonObject
        const row = rows.get(`r${i}`)!
        for (const [key, item] of Object.entries(body)) {
          const column = spec.columns.find((one) => one.field === key)
          const told = [column && row[column.name], inside(row._unfit, key), inside(row._more, key)]
          expect(told.some((shown) => stands(item, shown, column?.type))).toBe(true)
        }
      }
    }),
    { numRuns: 60 },
  )
})

const clean = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()
const inside = (part: Json | undefined, key: string): Json | undefined =>
  isObject(part) && Object.hasOwn(part, clean(key)) ? (part as JsonObject)[clean(key)] : undefined

/** Postgres spells numbers and moments its own way. */
function stands(item: Json, shown: Json | undefined, type: string | undefined): boolean {
  if (shown === undefined || shown === null) return item === null
  if (type === 'timestamptz' && typeof item === 'string')
    return Math.abs(Date.parse(String(shown)) - Date.parse(item)) <= 1 || shown === clean(item)
  return sameJson(canonical(item), canonical(shown))
}

/** Numbers by their value, keys that became equal by what came last. */
function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical)
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), canonical(item)])) as JsonObject
  if (value === null || typeof value === 'boolean') return value
  const text = typeof value === 'string' ? clean(value) : JSON.stringify(value)
  return typeof value === 'string' && !/^1e400$/.test(text) ? text : String(Number(text))
}

test('a table follows changes, deletions and new columns; its history keeps every state that was seen', async () => {
  const spec = await followed({ history: true })
  await commit(spec, { a: { email: 'a@x.test', count: 1 }, b: { email: 'b@x.test' } })
  await takeOver(spec)
  await commit(spec, { a: { email: 'a@x.test', count: 2, plan: 'gold' }, b: null })
  await takeOver(spec)
  expect(await rowsOf(spec)).toMatchObject([
    { _id: 'a', count: 2, _deleted: false, _more: { plan: 'gold' } },
    { _id: 'b', email: 'b@x.test', _deleted: true },
  ])
  const wider = {
    ...spec,
    columns: columnsOf({ properties: { ...SCHEMA.properties, count: { type: 'string' }, plan: { type: 'string' } } }),
  }
  await takeOver(wider)
  expect(await rowsOf(spec)).toMatchObject([
    { _id: 'a', count: null, _unfit: { count: 2 }, plan: 'gold', _more: null },
    { _id: 'b' },
  ])
  await commit(spec, { a: { email: 'a@x.test', count: 'three' } })
  await takeOver(wider)
  expect(await rowsOf(spec, '_history', '_id, _seq')).toMatchObject([
    { _id: 'a', count: 1, _valid_to: expect.any(String) },
    { _id: 'a', count: 2, _valid_to: expect.any(String) },
    { _id: 'a', count: 'three', _valid_to: null },
    { _id: 'b', email: 'b@x.test', _valid_to: expect.any(String) },
  ])
  const [state] = (await listAnalyticsTables(db.pool)).filter(({ name }) => name === spec.name)
  expect(state).toMatchObject({ stream: expect.stringMatching(/^crm:/), history: true, lastError: null })
})

test('several workers take a stream over once, and what is dropped by hand is made again', async () => {
  const spec = await followed({ history: true })
  for (let round = 0; round < 5; round++)
    await commit(spec, Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`r${i}`, { count: round }])))
  await Promise.all([1, 2, 3].map(() => takeOver(spec)))
  await takeOver(spec)
  expect((await rowsOf(spec)).filter(({ count }) => count === 4)).toHaveLength(700)
  expect(await rowsOf(spec, '_history')).toHaveLength(700)
  await db.pool.query(`drop table bi."${spec.name}"`)
  await takeOver(spec)
  expect(await rowsOf(spec)).toHaveLength(700)
  expect(await rowsOf(spec, '_history')).toHaveLength(700)
})

test('who is erased is in no table and no history any more, not even of a target that was taken out of the files', async () => {
  const spec = await followed({ history: true })
  await commit(spec, { a: { email: 'canary@x.test' }, b: { email: 'b@x.test' } })
  await takeOver(spec)
  await commit(spec, { a: { email: 'canary@x.test', count: 1 } })
  await takeOver(spec)
  const client = await db.pool.connect()
  await eraseFromAnalytics(client, spec.streamId, ['a'])
  client.release()
  expect((await rowsOf(spec)).map(({ _id }) => _id)).toEqual(['b'])
  expect((await rowsOf(spec, '_history')).map(({ _id }) => _id)).toEqual(['b'])
})

test('a table whose stream is not kept in full any more goes, with its past', async () => {
  const spec = await followed({ history: true })
  await commit(spec, { a: { email: 'a@x.test' } })
  await takeOver(spec)
  await db.pool.query(`update stream set keeping = 'used' where id = $1`, [spec.streamId])
  expect(await dropUnkept(db.pool)).toEqual([`bi.${spec.name}`])
  const { rows } = await db.pool.query(`select to_regclass($1) as now, to_regclass($2) as past`, [
    `bi.${spec.name}`,
    `bi.${spec.name}_history`,
  ])
  expect(rows).toEqual([{ now: null, past: null }])
})

test('a history that is kept no longer claims nothing about the time after', async () => {
  const spec = await followed({ history: true })
  await commit(spec, { a: { email: 'a@x.test' } })
  await takeOver(spec)
  await takeOver({ ...spec, history: false })
  expect(await rowsOf(spec, '_history')).toMatchObject([{ _id: 'a', _valid_to: expect.any(String) }])
})

test('links are a view that may be read by whom the file names, and by nobody else', async () => {
  const role = `reader_${db.name}`
  await db.pool.query(`create role ${role}`)
  try {
    const spec = await followed()
    await ensureTable(db.pool, spec)
    await ensureLinks(db.pool, 'bi', [role])
    await db.pool.query(`insert into link (stream_id, record_id, entity_id) values ($1, 'a', 1)`, [spec.streamId])
    const client = await db.pool.connect()
    try {
      await client.query(`set role ${role}`)
      const { rows } = await client.query(`select system, record_id from bi.links where record_id = 'a'`)
      expect(rows).toEqual([{ system: 'crm', record_id: 'a' }])
      expect((await client.query(`select from bi."${spec.name}"`)).rowCount).toBe(0)
      await expect(client.query('select from causeway.record')).rejects.toThrow(/permission denied/)
    } finally {
      await client.query('reset role')
      client.release()
    }
    await ensureLinks(db.pool, 'bi', [])
    const { rows: rights } = await db.pool.query(`select has_schema_privilege($1, 'bi', 'usage') as may`, [role])
    expect(rights).toEqual([{ may: false }])
    await expect(ensureLinks(db.pool, 'bi', ['nobody_of_that_name'])).rejects.toThrow(/does not exist/)
  } finally {
    await db.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})
