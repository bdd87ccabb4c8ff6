/** A simulator that speaks SOAP or XML-RPC: what it takes, what it refuses, and how it says so. Requests are written out here. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XMLValidator } from 'fast-xml-parser'
import { afterEach, expect, test } from 'vitest'
import { readDescription, Simulator } from '../../src/simulator/index.ts'

const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity'
const COMMON = `
source: [{ what: invented, url: "https://office.example", read: "2026-11-26" }]
secrets: { password: "\${ canary }" }
settings: { url: "\${ origin }" }
`
const COLLECTION = `
collections:
  contacts:
    count: 12
    id: { field: id, make: "c\${ $string(n) }" }
    required: [name]
    unique: [email]
    writable: { name: text, email: email, born: datetime, photo: text, limit: number, tags: any }
`
const SOAP = `${COMMON}${COLLECTION}
speaks: { soap: "1.2", namespaces: { "": "urn:crm", d: "urn:data" }, sequences: { AddContact: [contact], "d:contact": ["d:name", "d:email"] } }
auth: { when: '$usernameToken(header, "ann", secrets.password)' }
errors:
  unauthorized: { status: 500, answer: { fault: { code: Sender, subcode: "wsse:FailedAuthentication", message: Who are you } } }
  not_found: &fault { status: 500, answer: { fault: { code: Sender, message: "\${ problem.message }", detail: { reason: "\${ problem.reason }" } } } }
  invalid: *fault
  throttled: *fault
  down: { status: 500, answer: { fault: { code: Receiver, message: Down } } }
routes:
  POST /crm (find):
    when: operation = "FindContacts" and action = "find"
    list: contacts
    body: { most: 1..5, first: integer }
    where: { name: body.name }
    page: { by: offset, at: body.first, size: body.most, default: 5, max: 5 }
    answer: { FoundContacts: { "@total": "\${ total }", contact: "\${ [records.{ 'd:name': name, 'd:email': email ?? null }] }" } }
  POST /crm (add):
    when: operation = "AddContacts"
    batch: '[body.\`d:contact\`]'
    each: { create: contacts, values: '{ "name": item.\`d:name\`, "email": item.\`d:email\` }' }
    done: { "@ok": "true", id: "\${ record.id }" }
    failed: { "@ok": "false", why: "\${ problem.reason }" }
    answer: { Added: { result: "\${ [outcomes] }" } }
`
const XMLRPC = `${COMMON}${COLLECTION}
speaks: { xmlrpc: true, times: [born], base64: [photo], doubles: [limit] }
errors:
  unauthorized: { status: 200, answer: { fault: { faultCode: 401, faultString: "Who & what" } } }
  not_found: &fault { status: 200, answer: { fault: { faultCode: 404, faultString: "\${ problem.message }" } } }
  invalid: *fault
  throttled: *fault
  down: *fault
routes:
  POST /rpc (create): { when: operation = "contact.create", create: contacts, status: 200, answer: "\${ record }" }
  POST /rpc (read): { when: operation = "contact.read", list: contacts, where: { id in: "params[0]" }, answer: "\${ [records] }" }
`

const running: { simulator: Simulator; folder: string }[] = []
afterEach(async () => {
  for (const { simulator, folder } of running.splice(0)) {
    await simulator.stop()
    rmSync(folder, { recursive: true })
  }
})

async function start(description: string): Promise<Simulator> {
  const folder = mkdtempSync(join(tmpdir(), 'envelopes-'))
  const contacts = [
    {
      id: 'c-a',
      name: 'A <&> ż',
      email: 'a@b.example',
      born: '1980-05-06T00:00:00Z',
      photo: 'AAEC',
      limit: 2,
      tags: [1, 'x', true, null],
    },
  ]
  writeFileSync(join(folder, 'contacts.json'), JSON.stringify(contacts))
  writeFileSync(join(folder, 'api.yaml'), description)
  const simulator = new Simulator(readDescription(join(folder, 'api.yaml')))
  await simulator.start()
  running.push({ simulator, folder })
  return simulator
}

async function post(simulator: Simulator, path: string, type: string, body: string) {
  const response = await fetch(simulator.origin + path, { method: 'POST', headers: { 'content-type': type }, body })
  const text = await response.text()
  expect(XMLValidator.validate(text)).toBe(true)
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text,
    alien: simulator.served.at(-1)?.alien,
  }
}

function header(simulator: Simulator, digest: boolean): string {
  const password = simulator.secrets.password!
  const [nonce, created] = [Buffer.from('salt'), '2026-11-26T10:00:00Z']
  const hash = createHash('sha1')
    .update(nonce)
    .update(created + password)
    .digest('base64')
  const given = digest
    ? `<w:Password Type="x#PasswordDigest">${hash}</w:Password><w:Nonce>${nonce.toString('base64')}</w:Nonce><u:Created>${created}</u:Created>`
    : `<w:Password>${password}</w:Password>`
  return `<w:Security xmlns:w="${WSS}-secext-1.0.xsd" xmlns:u="${WSS}-utility-1.0.xsd"><w:UsernameToken><w:Username>ann</w:Username>${given}</w:UsernameToken></w:Security>`
}

const envelope = (inside: string, head: string, uri = 'http://www.w3.org/2003/05/soap-envelope') =>
  `<e:Envelope xmlns:e="${uri}"><e:Header>${head}</e:Header><e:Body>${inside}</e:Body></e:Envelope>`
const SOAP12 = 'application/soap+xml; charset=utf-8; action="find"'

test('SOAP: pages, filters and names in any prefix; user and password as text or digest', async () => {
  const simulator = await start(SOAP)
  const asked = '<q:FindContacts xmlns:q="urn:crm"><q:most>2</q:most><q:first>10</q:first></q:FindContacts>'
  for (const digest of [true, false]) {
    const { status, type, text, alien } = await post(
      simulator,
      '/crm',
      SOAP12,
      envelope(asked, header(simulator, digest)),
    )
    expect({ status, type, alien }).toEqual({ status: 200, type: 'application/soap+xml; charset=utf-8', alien: null })
    expect(text).toContain('<FoundContacts total="12"><contact><d:name>A &lt;&amp;&gt; ż</d:name>')
    expect(text.match(/<contact>/g)).toHaveLength(2)
  }
  const refused = await post(
    simulator,
    '/crm',
    SOAP12,
    envelope(asked, header(simulator, true).replace('salt', 'x').replace('ann', 'bob')),
  )
  expect(refused).toMatchObject({
    status: 500,
    alien: null,
    text: expect.stringContaining('<soap:Value>wsse:FailedAuthentication</soap:Value>'),
  })
})

test('SOAP: one bad item of many is told of by itself', async () => {
  const simulator = await start(SOAP)
  const item = (name: string, email: string) =>
    `<d:contact><d:name>${name}</d:name><d:email>${email}</d:email></d:contact>`
  const added = `<AddContacts xmlns="urn:crm" xmlns:d="urn:data">${item('N', 'n@b.example')}${item('', 'm@b.example')}${item('O', 'o@b.example')}</AddContacts>`
  const { text } = await post(simulator, '/crm', SOAP12, envelope(added, header(simulator, false)))
  expect(text).toMatch(
    /<Added><result ok="true"><id>c\d+<\/id><\/result><result ok="false"><why>required<\/why><\/result><result ok="true">/,
  )
})

test.each([
  ['another version', envelope('<x/>', '', 'http://schemas.xmlsoap.org/soap/envelope/'), 'no envelope of SOAP 1.2'],
  ['an unknown namespace', envelope('<FindContacts xmlns="urn:other"/>', ''), 'unknown namespace "urn:other"'],
  ['no namespace', envelope('<FindContacts/>', ''), 'unknown namespace ""'],
  [
    'another order',
    envelope(
      '<c:Add xmlns:c="urn:crm"><d:contact xmlns:d="urn:data"><d:email>a</d:email><d:name>n</d:name></d:contact></c:Add>',
      '',
    ),
    'd:name comes before d:email',
  ],
  [
    'an unknown element',
    envelope('<c:Add xmlns:c="urn:crm"><d:contact xmlns:d="urn:data"><d:x/></d:contact></c:Add>', ''),
    'd:contact has no element d:x',
  ],
  ['an unknown operation', envelope('<c:Add xmlns:c="urn:crm"/>', ''), 'not a call of the API'],
  ['a document type', `<!DOCTYPE a [<!ENTITY x "y">]>${envelope('', '')}`, 'a document type is declared'],
  ['a cut request', envelope('', '').slice(0, -5), 'The body is no XML'],
])('SOAP: %s is what no client may send', async (_what, body, why) => {
  const { status, alien, text } = await post(await start(SOAP), '/crm', SOAP12, body)
  expect({ status, alien }).toEqual({ status: 500, alien: expect.stringContaining(why) })
  expect(text).toContain('<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value>')
})

const call = (method: string, value: string) =>
  `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params><param><value>${value}</value></param></params></methodCall>`
const struct = (members: Record<string, string>) =>
  `<struct>${Object.entries(members)
    .map(([name, value]) => `<member><name>${name}</name><value>${value}</value></member>`)
    .join('')}</struct>`

test('XML-RPC: times, binary, fractions, lists and structs both ways; a fault has HTTP 200', async () => {
  const simulator = await start(XMLRPC)
  const given = {
    name: 'N',
    born: '<dateTime.iso8601>19800506T00:00:00</dateTime.iso8601>',
    photo: '<base64>AA EC</base64>',
    limit: '<int>3</int>',
  }
  const { text, alien } = await post(simulator, '/rpc', 'text/xml', call('contact.create', struct(given)))
  expect(alien).toBe(null)
  expect(text).toContain('<name>born</name><value><dateTime.iso8601>19800506T00:00:00</dateTime.iso8601></value>')
  expect(text).toContain('<name>photo</name><value><base64>AAEC</base64></value>')
  expect(text).toContain('<name>limit</name><value><double>3</double></value>')
  const read = await post(
    simulator,
    '/rpc',
    'text/xml',
    call('contact.read', '<array><data><value>c-a</value></data></array>'),
  )
  expect(read.text).toContain(
    '<data><value><int>1</int></value><value><string>x</string></value><value><boolean>1</boolean></value><value><nil></nil></value></data>',
  )
  const refused = await post(simulator, '/rpc', 'text/xml', call('contact.create', struct({ email: 'n@b.example' })))
  expect(refused).toMatchObject({ status: 200, alien: null })
  expect(refused.text).toContain(
    '<fault><value><struct><member><name>faultCode</name><value><int>404</int></value></member>',
  )
})

test.each([
  [
    'a time as text',
    call('contact.create', struct({ name: 'N', born: '1980-05-06' })),
    'born is sent as string, not as dateTime.iso8601',
  ],
  [
    'binary as text',
    call('contact.create', struct({ name: 'N', photo: 'AAEC' })),
    'photo is sent as string, not as base64',
  ],
  [
    'a number that is none',
    call('contact.create', struct({ name: 'N', limit: '<int>1.5</int>' })),
    '"1.5" is no value of the type int',
  ],
  ['a type that is none', call('contact.create', struct({ name: '<text>N</text>' })), 'no value of the type text'],
  ['an unknown method', call('contact.drop', 'x'), 'contact.drop'],
  ['another document', '<html/>', 'no method call'],
])('XML-RPC: %s is what no client may send', async (_what, body, why) => {
  const { status, alien, text } = await post(await start(XMLRPC), '/rpc', 'text/xml', body)
  expect({ status, alien }).toEqual({ status: 200, alien: expect.stringContaining(why) })
  expect(text).toContain('<fault>')
})
