import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldConverter, fieldsField } from '../../src/connector/manifest/fields.ts'
import { describePart } from '../../src/connector/parts/dictionary.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import { type JsonObject, parseExact } from '../../src/core/index.ts'
import { open, readAll, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const example = fieldsField.item!.part!.example!
const stream = `${example}
read: { path: /things, records: response.data }
write:
  update: { path: "/things/\${ id }", body: "\${ values }" }`

const update = (values: JsonObject) => ({
  stream: 'things',
  operation: 'update' as const,
  items: [{ ref: '1', id: '1', values, idempotencyKey: 'k' }],
  signal,
})

test('the example of the reference: values are what they really are, and travel as they did', async () => {
  const body = {
    id: 1,
    amount: '0012.50',
    active: 'Y',
    manager_id: false,
    status: 2,
    lines: { price: '0.10' },
    updated: 1_795_600_000,
    due: '/Date(1795600000000+0000)/',
    other: 'stays',
  }
  await using server = await serve(({ method }) => ({ json: method === 'GET' ? { data: [body] } : {} }))
  const session = await open(restManifest(stream), server)
  const { pages } = await readAll(session)
  const record = pages[0]!.records[0]!.body
  expect(JSON.stringify(record)).toBe(
    '{"id":1,"amount":12.50,"active":true,"manager_id":null,"status":"closed","lines":[{"price":0.10}],"updated":"2026-11-25T09:46:40.000Z","due":"2026-11-25","other":"stays"}',
  )
  const before = JSON.stringify(record)
  expect(await session.write(update(record))).toMatchObject([{ status: 'written' }])
  expect(server.asked[1]!.json).toEqual({
    id: 1,
    amount: '12.50',
    active: 1,
    manager_id: false,
    status: '2',
    lines: [{ price: '0.10' }],
    updated: 1_795_600_000,
    due: '2026-11-25',
    other: 'stays',
  })
  expect(JSON.stringify(record)).toBe(before)
})

test('property: decimals come back digit by digit, with a comma or a point, and nothing else is touched', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.stringMatching(/^\d{0,12}$/))
    .map(([whole, fraction]) => (fraction ? `${whole}.${fraction}` : String(whole)))
  fc.assert(
    fc.property(decimal, fc.boolean(), fc.jsonValue(), (number, comma, other) => {
      const converter = new FieldConverter({ 'a.n': { as: 'decimal', comma, list: false } as never })
      const text = comma ? number.replace('.', ',') : number
      const body = { a: [{ n: text }, { n: other }], b: text } as JsonObject
      converter.read(body)
      expect(JSON.stringify((body.a as JsonObject[])[0])).toBe(`{"n":${number}}`)
      expect(converter.write(parseExact(`{"a":[{"n":${number}}]}`) as JsonObject)).toEqual({ a: [{ n: text }] })
      expect(body.b).toBe(text)
    }),
  )
})

test.each([
  ['/Date(1573755038314)/', '2019-11-14T18:10:38.314Z'],
  ['/Date(1573755038314+0200)/', '2019-11-14T18:10:38.314Z'],
  ['2019-11-14 18:10:38', '2019-11-14T18:10:38.000Z'],
  ['2019-11-14', '2019-11-14'],
  ['soon', 'soon'],
])('the timestamp %s is read as %s', (given, expected) => {
  const converter = new FieldConverter({ at: { as: 'timestamp', comma: false, list: false } as never })
  const body: JsonObject = { at: given }
  converter.read(body)
  expect(body.at).toBe(expected)
})

const described = `${describePart(requestFields).example!}
fields: { name: { null_when: [""] } }
read: { path: /things, records: response.data }
fetch: { path: "/things/\${ id }" }
write: { update: { path: "/things/\${ id }", body: "\${ values }" } }
schema: { type: object, properties: { id: { type: integer }, name: { type: string } } }`

/** A system whose custom fields travel under keys that mean nothing to anybody. */
const custom = () =>
  serve(({ path, method }) => {
    if (path === '/contactFields')
      return {
        json: {
          data: [
            { key: 'name', label: 'Label of a standard field', custom: false },
            { key: 'f9a1', label: 'Size', custom: true, type: 'double' },
            {
              key: 'c3d2',
              label: 'Grade',
              custom: true,
              options: [
                { id: 7, label: 'Gold' },
                { id: 8, label: 'Silver' },
              ],
            },
            { key: 'aaaa', label: 'Twice', custom: true },
            { key: 'bbbb', label: 'Twice', custom: true },
            { key: 'eeee', label: 'id', custom: true },
          ],
        },
      }
    const thing = { id: 1, name: '', f9a1: 4.5, c3d2: 7, aaaa: 'x', bbbb: 'y', eeee: 'z' }
    return { json: method === 'GET' ? (path === '/things' ? { data: [thing] } : thing) : {} }
  })

test('the example of the reference: custom fields have readable names and labels, and travel under their keys and ids', async () => {
  await using server = await custom()
  const session = await open(restManifest(described), server)
  const expected = { id: 1, name: null, Size: 4.5, Grade: 'Gold', aaaa: 'x', bbbb: 'y', eeee: 'z' }
  expect((await readAll(session)).pages[0]!.records[0]!.body).toEqual(expected)
  expect((await session.fetch({ stream: 'things', ids: ['1'], signal }))[0]!.body).toEqual(expected)
  await session.write(update({ Size: 5, Grade: 'Silver', name: 'n' }))
  expect(server.asked.at(-1)!.json).toEqual({ f9a1: 5, c3d2: 8, name: 'n' })
  expect(server.asked.filter(({ path }) => path === '/contactFields')).toHaveLength(1)
  const { readSchema } = await session.describe!({ stream: 'things', signal })
  expect(readSchema).toMatchObject({
    properties: {
      id: { type: 'integer' },
      Size: { type: 'number', title: 'Size' },
      Grade: { type: 'string', examples: ['Gold', 'Silver'] },
    },
  })
})

test('a description that cannot be had stops the read, and is asked for again', async () => {
  let down = true
  await using server = await serve(({ path }) =>
    path === '/contactFields' && down ? { status: 403 } : { json: { data: [{ id: 1 }] } },
  )
  const session = await open(restManifest(described), server)
  await expect(readAll(session)).rejects.toMatchObject({ code: 'CSW-3004' })
  down = false
  expect((await readAll(session)).ids).toEqual(['1'])
})
