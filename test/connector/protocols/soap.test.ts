/** The SOAP protocol against a server of another hand (npm `soap`), and envelopes by themselves. */

import fc from 'fast-check'
import { XMLValidator } from 'fast-xml-parser'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ConnectorSession, WriteOperation } from '../../../src/connector/index.ts'
import { xmlReader } from '../../../src/connector/parts/xml.ts'
import { envelopeOf, openEnvelope } from '../../../src/connector/protocols/soap/envelope.ts'
import * as examples from '../../../src/connector/protocols/soap/examples.ts'
import { inOrder, typedBySchema } from '../../../src/connector/protocols/soap/types.ts'
import { type JsonObject, parseExact } from '../../../src/core/index.ts'
import { password, type SoapService, startSoap } from '../../standins/soap.ts'
import { load, open, signal } from '../open.ts'
import { serve } from '../server.ts'
import { readAll } from './open.ts'

let service: SoapService
beforeEach(async () => {
  service = await startSoap()
  for (const n of [1, 2, 3])
    service.contacts.set(`${n}`, {
      ...{ id: `${n}`, name: ` Émile <& ${n}> `, limit: n === 2 ? null : '0.10', active: n === 1 ? 'true' : 'false' },
      ...{ phone: n === 1 ? ['+48 1'] : n === 2 ? ['1', '2'] : [], changed: `2026-01-0${n}T00:00:00Z` },
    })
})
afterEach(() => service.close())

const connect = (more: JsonObject = {}, manifest = examples.manifest) =>
  open(manifest, service, { user: 'ann', password, ...more }, 'contact-bureau')
const write = (session: ConnectorSession, operation: WriteOperation, id: string, values: JsonObject = {}) =>
  session.write({ stream: 'contacts', operation, signal, items: [{ ref: 'r', id, values, idempotencyKey: 'k' }] })

test('the example reads page by page and by change; the schema says what is a number, a truth, a list', async () => {
  const session = await connect()
  const { records, cursor } = await readAll(session, 'contacts')
  expect(JSON.stringify(records[0]!.body)).toBe(
    '{"id":"1","name":" Émile <& 1> ","limit":0.10,"active":true,"phone":["+48 1"],"changed":"2026-01-01T00:00:00Z"}',
  )
  expect(records.map(({ body }) => body.phone ?? [])).toEqual([['+48 1'], ['1', '2'], []])
  service.contacts.get('1')!.changed = '2026-02-01T00:00:00Z'
  const changed = await readAll(session, 'contacts', 'incremental', cursor)
  expect(changed.records.map(({ id }) => id).sort()).toEqual(['1', '3'])
  expect((await session.fetch({ stream: 'contacts', ids: ['2', '9'], signal })).map(({ id }) => id)).toEqual(['2'])
  expect(service.headers[0]).toMatchObject({ soapaction: '"urn:example:crm/FindContacts"' })
})

test('create, change, remove; null is nil, and fields come in the order of the schema', async () => {
  const session = await connect()
  const values = parseExact('{"phone":["1","2"],"limit":1234567890123456789.10,"name":"Zażółć & <b>"}') as JsonObject
  expect(await write(session, 'create', '', values)).toMatchObject([{ status: 'written', id: '100' }])
  expect(service.contacts.get('100')).toMatchObject({ name: 'Zażółć & <b>', phone: ['1', '2'] })
  expect(service.bodies.at(-1)).toContain(
    '<crm:contact><crm:name>Zażółć &amp; &lt;b&gt;</crm:name><crm:limit>1234567890123456789.10</crm:limit><crm:phone>1</crm:phone><crm:phone>2</crm:phone></crm:contact>',
  )
  expect(await write(session, 'update', '100', { limit: null })).toMatchObject([{ status: 'written' }])
  expect(service.bodies.at(-1)).toContain('<crm:limit xsi:nil="true"/>')
  expect(await write(session, 'delete', '100')).toMatchObject([{ status: 'written' }])
  expect(service.contacts.has('100')).toBe(false)
})

test('faults: of the caller refuse the record, of the service are tried again, named ones are what the manifest says', async () => {
  const session = await connect()
  expect(await write(session, 'create', '', { limit: 1 })).toMatchObject([
    { status: 'refused', error: { code: 'CSW-3008', message: expect.stringContaining('a name is missing') } },
  ])
  expect(await write(session, 'create', '', { name: 'boom' })).toMatchObject([{ status: 'unknown' }])
  expect(await write(session, 'update', '77', { name: 'x' })).toMatchObject([{ status: 'missing' }])
  const stranger = await connect({ password: 'wrong' })
  await expect(readAll(stranger, 'contacts')).rejects.toMatchObject({ code: expect.stringMatching(/CSW-30(03|16)/) })
})

test('SOAP 1.2: content type with action, codes with subcodes, digests instead of passwords', async () => {
  let fault = ''
  await using server = await serve(() => ({
    status: fault ? 500 : 200,
    headers: { 'content-type': 'application/soap+xml' },
    text: `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${fault || '<x:R xmlns:x="urn:x"><x:contact><x:id>7</x:id></x:contact></x:R>'}</e:Body></e:Envelope>`,
  }))
  const manifest = examples.manifest
    .replace('security: {', 'soap: "1.2"\nsecurity: { form: digest, ')
    .replace('page_size: 2', 'page_size: 1000')
  const session = await open(manifest, server, { user: 'ann', password }, 'contact-bureau')
  expect((await session.fetch({ stream: 'contacts', ids: ['7'], signal })).map(({ id }) => id)).toEqual(['7'])
  const { headers, bytes } = server.asked[0]!
  expect(headers['content-type']).toBe('application/soap+xml; charset=utf-8; action="urn:example:crm/GetContacts"')
  expect(bytes.toString()).toMatch(
    /<wsse:Username>ann<\/wsse:Username>.*#PasswordDigest">.{28}<\/wsse:Password><wsse:Nonce/,
  )
  expect(bytes.toString()).not.toContain(password)
  fault =
    '<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>w:FailedAuthentication</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">who are you</e:Text></e:Reason></e:Fault>'
  await expect(readAll(session, 'contacts')).rejects.toMatchObject({
    code: 'CSW-3003',
    message: expect.stringContaining('who are you'),
  })
})

test.each([
  ['a page of HTML', '<html><body>Sorry</body></html>'],
  ['a cut answer', '<e:Envelope xmlns:e="x"><e:Body><a>'],
  [
    'a document type',
    '<!DOCTYPE x [<!ENTITY e "boom">]><e:Envelope xmlns:e="x"><e:Body><a>&e;</a></e:Body></e:Envelope>',
  ],
  ['JSON', '{"ok":true}'],
])('%s is no answer', async (_what, text) => {
  await using server = await serve(() => ({ text }))
  const session = await open(
    examples.manifest.replace('errors:', 'limits: { attempts: 1 }\nerrors:'),
    server,
    { user: 'ann', password },
    'contact-bureau',
  )
  await expect(readAll(session, 'contacts')).rejects.toMatchObject({ code: 'CSW-3007' })
})

test('the examples of the reference load', () => {
  const top =
    'language: 1\nname: test\ntitle: T\nprotocol: soap\nsettings: { url: {}, user: {}, password: {} }\nbase_url: ${ settings.url }\nnamespaces: { crm: "urn:x" }\n'
  const stream = (text: string) =>
    `streams:\n  a:\n    title: A\n    key: record.id\n${`${text}`
      .trim()
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n')}\n`
  for (const text of [
    stream(examples.read),
    stream(`${examples.read}\n${examples.fetch}`),
    stream(`${examples.read}\n${examples.write}`),
  ])
    expect(load(top + text).findings).toEqual([])
  expect(load(top + examples.session + stream(examples.read)).findings).toEqual([])
})

const name = fc.stringMatching(/^[A-Za-z_][\w-]{0,8}$/).filter((text) => !['__proto__'].includes(text))
const words = fc.string({ unit: fc.constantFrom('a', 'ü', '<', '&', '"', "'", ']', '>', ' ', '\n', '\t', '\r', '0') })
const tree = fc.letrec((tie) => ({
  node: fc.oneof({ maxDepth: 3 }, words, tie('fields'), fc.array(words, { minLength: 2, maxLength: 3 })),
  fields: fc.dictionary(name, tie('node'), { minKeys: 1, maxKeys: 4 }),
})).fields

test('property: whatever texts, objects and lists are sent, well-formed XML carries them whole', () => {
  const read = xmlReader({ isList: () => false, attributes: true, trim: false })
  fc.assert(
    fc.property(tree, (given) => {
      const content = JSON.parse(JSON.stringify(given)) as JsonObject
      const xml = envelopeOf({
        ...{ version: '1.1', namespaces: { p: 'urn:p' }, operation: 'p:op', header: '', qualified: true },
        content,
      })
      expect(XMLValidator.validate(xml)).toBe(true)
      const document = read(xml)
      const opened = 'root' in document ? openEnvelope(document.root, false) : null
      expect(opened).toEqual({ result: content })
    }),
    { numRuns: 200 },
  )
})

test('schemas: numbers keep their spelling, what does not fit stays a text, order is that of the properties', () => {
  const schema = {
    type: 'object',
    properties: {
      b: { type: ['number', 'null'] },
      a: { type: 'array', items: { type: 'object', properties: { y: { type: 'boolean' }, x: { type: 'integer' } } } },
    },
  }
  const typed = typedBySchema({ b: '+007.50', a: { x: '12345678901234567890', y: '1' }, c: '5' }, schema)
  expect(JSON.stringify(typed)).toBe('{"b":7.50,"a":[{"x":12345678901234567890,"y":true}],"c":"5"}')
  expect(JSON.stringify(typedBySchema({ b: 'n/a', a: '' }, schema))).toBe('{"b":"n/a","a":[]}')
  expect(JSON.stringify(inOrder({ z: 1, a: [{ x: 1, y: 2 }], b: 2 }, schema))).toBe('{"b":2,"a":[{"y":2,"x":1}],"z":1}')
})
