import fc from 'fast-check'
import { expect, test } from 'vitest'
import { xmlReader } from '../../../src/connector/parts/xml.ts'
import * as examples from '../../../src/connector/protocols/xmlrpc/examples.ts'
import { decodeValue, encodeValue } from '../../../src/connector/protocols/xmlrpc/values.ts'
import { type Json, type JsonObject, parseExact, rawNumber } from '../../../src/core/index.ts'
import { open, signal } from '../open.ts'
import { type Reply, serve, type TestServer } from '../server.ts'
import { readAll } from './open.ts'

const answer = (value: string) =>
  `<?xml version="1.0"?>\n<methodResponse><params><param><value>${value}</value></param></params></methodResponse>`
const fault = (code: number, text: string) =>
  `<methodResponse><fault><value><struct>
    <member><name>faultCode</name><value><int>${code}</int></value></member>
    <member><name>faultString</name><value>${text}</value></member>
  </struct></value></fault></methodResponse>`
const person = (id: number) => `<struct>
  <member><name>id</name><value><i4>${id}</i4></value></member>
  <member><name>name</name><value> &#201;mile &amp; ${id} </value></member>
  <member><name>changed</name><value><dateTime.iso8601>20260102T03:04:0${id}</dateTime.iso8601></value></member>
  <member><name>limit</name><value><double>0.10</double></value></member>
  <member><name>none</name><value><ex:nil xmlns:ex="x"/></value></member>
</struct>`
const list = (items: string[]) =>
  `<array><data>${items.map((item) => `<value>${item}</value>\n`).join('')}</data></array>`

/** Answers by method; the first parameter decides where it must. */
const office = (other: (method: string, body: string) => string | Reply | undefined = () => undefined) =>
  serve(({ bytes, headers }): Reply => {
    const body = bytes.toString()
    const method = /<methodName>(.*?)<\/methodName>/.exec(body)![1]!
    if (method === 'session.open')
      return { text: answer('<struct><member><name>key</name><value>key-123456</value></member></struct>') }
    if (headers['x-session'] !== 'key-123456') return { text: fault(403, 'log in first') }
    const own = other(method, body)
    if (own !== undefined) return typeof own === 'string' ? { text: own } : own
    const offset = Number(/<\/value><\/param><param><value><int>(\d+)<\/int>/.exec(body)?.[1] ?? 0)
    return { text: answer(list([1, 2, 3].slice(offset, offset + 2).map(person))) }
  })
const settings = { user: 'ann', password: 'right-one' }
const connect = (server: TestServer) => open(examples.manifest, server, settings, 'contact-office')
const sent = (server: TestServer) => /<params>(.*)<\/params>/.exec(server.asked.at(-1)!.bytes.toString())![1]!

test('the example reads page by page; values keep their spelling', async () => {
  await using server = await office()
  const session = await connect(server)
  const { records, cursor } = await readAll(session, 'contacts', 'incremental')
  expect(records.map(({ id }) => id)).toEqual(['1', '2', '3'])
  expect(JSON.stringify(records[0]!.body)).toBe(
    '{"id":1,"name":" Émile & 1 ","changed":"2026-01-02T03:04:01","limit":0.10,"none":null}',
  )
  await readAll(session, 'contacts', 'incremental', cursor)
  expect(server.asked.map(({ bytes }) => bytes.toString()).join('\n')).toContain(
    '<member><name>changed</name><value><dateTime.iso8601>20260102T03:04:03</dateTime.iso8601></value></member>',
  )
})

test('create, update, delete, fetch and look-up; types by the write schema', async () => {
  await using server = await office((method) =>
    method === 'contact.create'
      ? answer('<int>77</int>')
      : method === 'contact.delete'
        ? answer(list(['<boolean>1</boolean>', '<boolean>0</boolean>']))
        : method === 'contact.write'
          ? answer('<boolean>1</boolean>')
          : undefined,
  )
  const session = await connect(server)
  const values = parseExact(
    '{"name":"<A&B>","born":"2026-05-06","photo":"AAEC","limit":5,"big":9007199254740993,"no":null}',
  )
  const write = (operation: 'create' | 'update' | 'delete', ...ids: string[]) =>
    session.write({
      stream: 'contacts',
      operation,
      signal,
      items: ids.map((id) => ({ ref: id, id, values: values as JsonObject, idempotencyKey: id })),
    })
  expect(await write('create', 'x')).toMatchObject([{ status: 'written', id: '77' }])
  expect(sent(server)).toBe(
    '<param><value><struct><member><name>name</name><value><string>&lt;A&amp;B&gt;</string></value></member>' +
      '<member><name>born</name><value><dateTime.iso8601>20260506T00:00:00</dateTime.iso8601></value></member>' +
      '<member><name>photo</name><value><base64>AAEC</base64></value></member>' +
      '<member><name>limit</name><value><double>5</double></value></member>' +
      '<member><name>big</name><value><i8>9007199254740993</i8></value></member>' +
      '<member><name>no</name><value><nil/></value></member></struct></value></param>',
  )
  expect(await write('update', '5')).toMatchObject([{ status: 'written', id: '5' }])
  expect(sent(server)).toMatch(/^<param><value><int>5<\/int>/)
  expect(await write('delete', '5', '6')).toMatchObject([{ status: 'written' }, { status: 'refused' }])
  expect((await session.fetch({ stream: 'contacts', ids: ['2', '9'], signal })).map(({ id }) => id)).toEqual(['2'])
  const found = await session.lookup({ stream: 'contacts', field: 'name', values: [' Émile & 1 ', 'x'], signal })
  expect([...found.keys()]).toEqual([' Émile & 1 '])
})

test('a fault says what it is, a text that XML cannot carry spoils its record only', async () => {
  let reply = fault(1, 'Name is missing')
  await using server = await office((method) => (method === 'contact.create' ? reply : undefined))
  const session = await connect(server)
  const create = (name: string) =>
    session.write({
      stream: 'contacts',
      operation: 'create',
      signal,
      items: [{ ref: 'a', values: { name }, idempotencyKey: 'a' }],
    })
  const message = expect.stringContaining('Name is missing')
  expect(await create('x')).toMatchObject([{ status: 'refused', error: { code: 'CSW-3008', message } }])
  const before = server.asked.length
  expect(await create('a\u0001b')).toMatchObject([{ status: 'refused', error: { code: 'CSW-2007' } }])
  expect(server.asked).toHaveLength(before)
  reply = fault(404, 'no such contact')
  expect(await create('x')).toMatchObject([{ status: 'missing' }])
})

test.each([
  ['cut', '<methodResponse><params><param><value><int>1</int>'],
  ['HTML', '<html><body>Busy</body></html>'],
  ['of an unknown type', answer('<matrix>1</matrix>')],
  ['with a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${answer('&a;')}`],
  ['empty', ''],
])('an answer that is %s leaves a create in doubt, and ends a read', async (_what, text) => {
  await using server = await office((method) => (method === 'session.open' ? undefined : { text }))
  const session = await connect(server)
  const items = [{ ref: 'a', values: { name: 'x' }, idempotencyKey: 'a' }]
  expect(await session.write({ stream: 'contacts', operation: 'create', items, signal })).toMatchObject([
    { status: 'unknown', error: { code: 'CSW-3012' } },
  ])
  await expect(readAll(session, 'contacts')).rejects.toMatchObject({ code: 'CSW-3007' })
})

test('property: any value goes through XML and comes back as itself', () => {
  const text = fc
    .string({ unit: 'binary' })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no words for these.
    .filter((value) => value.isWellFormed() && !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value))
  const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => parseExact(String(n))),
      fc.constantFrom('0.10', '-1.50', '12345678901234567890.5').map(rawNumber),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(
        text.filter((name) => name.trim() === name && !name.startsWith('$')),
        tie('value'),
        { maxKeys: 4 },
      ),
    ),
  })).value
  const read = xmlReader({
    isList: (name, path) => name === 'member' || (name === 'value' && path.endsWith('data.value')),
    trim: false,
  })
  fc.assert(
    fc.property(value, (given) => {
      const document = read(encodeValue(given))
      expect(JSON.stringify(decodeValue('root' in document ? document.root.value : undefined))).toBe(
        JSON.stringify(given),
      )
    }),
  )
})
