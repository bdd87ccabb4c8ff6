import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { ConnectorSession } from '../../src/connector/index.ts'
import { open, restManifest, signal } from './open.ts'

const nowhere = { url: 'http://127.0.0.1:9', host: '127.0.0.1:9' }
const at = new Date('2026-11-23T12:00:00Z')
const seconds = at.getTime() / 1000

const hmac = (secret: string | Buffer, body: string | Buffer, algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(body)
const connect = (
  webhooks: string,
  settings: Record<string, string> = { token: 'new', old_token: 'old' },
): Promise<ConnectorSession> =>
  open(
    restManifest(`read: { path: / }\nfetch: { path: "/\${ id }" }`, `webhooks:\n${webhooks.replace(/^/gm, '  ')}`),
    nowhere,
    settings,
  )

type Delivery = {
  headers?: Record<string, string>
  body?: string | Buffer
  query?: Record<string, string>
  when?: Date
}
const verify = (session: ConnectorSession, { headers = {}, body = '{}', query = {}, when = at }: Delivery) =>
  session.verifyWebhook({ headers, body: Buffer.from(body as string), query, stream: 'things', at: when })
const accepted = (session: ConnectorSession, delivery: Delivery) => verify(session, delivery).accept

const plain = `signature: { kind: hmac, secrets: ["\${ settings.token }", "\${ settings.old_token }"], header: X-Sig, prefix: sha256= }\nrecord: item`

test('HMAC over the raw bytes: any valid secret, nothing else', async () => {
  const session = await connect(plain)
  const body = '{"id":1,  "ü":"€"}'
  const sig = (secret: string, of: string | Buffer = body) => ({ 'x-sig': `sha256=${hmac(secret, of).digest('hex')}` })
  expect(accepted(session, { body, headers: sig('new') })).toBe(true)
  expect(accepted(session, { body, headers: sig('old') })).toBe(true)
  expect(accepted(session, { body, headers: sig('none') })).toBe(false)
  expect(accepted(session, { body: JSON.stringify(JSON.parse(body)), headers: sig('new') })).toBe(false)
  expect(accepted(session, { body, headers: {} })).toBe(false)
  expect(accepted(session, { body, headers: { 'x-sig': '' } })).toBe(false)
  expect(accepted(session, { body, headers: { 'x-sig': 'sha256=' } })).toBe(false)
  expect(accepted(session, { body, headers: { 'x-sig': sig('new')['x-sig'].slice(0, -2) } })).toBe(false)
  expect(accepted(session, { body, headers: { 'x-sig': sig('new')['x-sig'].replace('sha256=', 'sha1=') } })).toBe(false)
  const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80])
  expect(accepted(session, { body: bytes, headers: sig('new', bytes) })).toBe(true)
  expect(verify(session, { body, headers: sig('none') })).toMatchObject({ accept: false, error: { code: 'CSW-2010' } })
})

test('a connection without webhook secret accepts nothing', async () => {
  const session = await connect(plain, {})
  for (const secret of ['', 'undefined', 'null'])
    expect(accepted(session, { headers: { 'x-sig': `sha256=${hmac(secret, '{}').digest('hex')}` } })).toBe(false)
})

test('one signature among several with id and time (Standard Webhooks form), inside the tolerance only', async () => {
  const key = Buffer.from('a'.repeat(24))
  const session = await connect(
    `signature:
  kind: hmac
  secrets: ["\${ settings.token }"]
  secret_prefix: whsec_
  secret_encoding: base64
  signed: "\${ headers.\`webhook-id\` }.\${ headers.\`webhook-timestamp\` }.\${ body }"
  header: webhook-signature
  separator: " "
  prefix: "v1,"
  encoding: base64
  timestamp: headers.\`webhook-timestamp\`
event_id: headers.\`webhook-id\`
record: item`,
    { token: `whsec_${key.toString('base64')}` },
  )
  const delivery = (offset = 0, more = ''): Delivery => {
    const stamp = String(seconds + offset)
    const digest = hmac(key, `msg_1.${stamp}.{}`).digest('base64')
    return {
      headers: {
        'webhook-id': 'msg_1',
        'webhook-timestamp': stamp,
        'webhook-signature': `v1a,AAAA v1,${more}${digest}`,
      },
    }
  }
  expect(verify(session, delivery())).toEqual({ accept: true, events: [{ eventId: 'msg_1', stream: 'things' }] })
  expect(accepted(session, delivery(-299))).toBe(true)
  expect(accepted(session, delivery(299))).toBe(true)
  expect(accepted(session, delivery(-301))).toBe(false)
  expect(accepted(session, delivery(301))).toBe(false)
  expect(accepted(session, delivery(0, 'x'))).toBe(false)
  const moved = delivery(-400)
  expect(accepted(session, { headers: { ...moved.headers, 'webhook-timestamp': String(seconds) } })).toBe(false)
  const { 'webhook-id': _id, ...without } = delivery().headers!
  expect(accepted(session, { headers: without })).toBe(false)
})

const digests: [algorithm: 'sha1' | 'sha256' | 'sha512', encoding: 'hex' | 'base64'][] = [
  ['sha1', 'hex'],
  ['sha1', 'base64'],
  ['sha256', 'base64'],
  ['sha512', 'base64'],
]
test.each(digests)('HMAC with %s in %s', async (algorithm, encoding) => {
  const session = await connect(
    `signature: { kind: hmac, algorithm: ${algorithm}, encoding: ${encoding}, secrets: ["\${ settings.token }"], header: X-Sig }\nrecord: item`,
  )
  expect(accepted(session, { headers: { 'x-sig': hmac('new', '{}', algorithm).digest(encoding) } })).toBe(true)
  expect(accepted(session, { headers: { 'x-sig': hmac('new', '{ }', algorithm).digest(encoding) } })).toBe(false)
})

test('a signature list of the form t=…,v1=…', async () => {
  const session = await connect(`signature:
  kind: hmac
  secrets: ["\${ settings.token }"]
  signed: "\${ $substringAfter($split(headers.sig, ',')[0], 't=') }.\${ body }"
  header: Sig
  separator: ","
  prefix: v1=
  timestamp: $substringAfter($split(headers.sig, ',')[0], 't=')
record: item`)
  const digest = hmac('new', `${seconds}.{}`).digest('hex')
  expect(accepted(session, { headers: { sig: `t=${seconds},v1=${'0'.repeat(64)},v1=${digest}` } })).toBe(true)
  expect(accepted(session, { headers: { sig: `t=${seconds + 1},v1=${digest}` } })).toBe(false)
})

test('a token, in a header or in the event; basic credentials', async () => {
  const inHeader = await connect(
    `signature: { kind: token, header: X-Token, secrets: ["\${ settings.token }"] }\nrecord: item`,
  )
  expect(accepted(inHeader, { headers: { 'x-token': 'new' } })).toBe(true)
  expect(accepted(inHeader, { headers: { 'x-token': 'newer' } })).toBe(false)
  expect(accepted(inHeader, {})).toBe(false)
  const inEvent = await connect(
    `signature: { kind: token, value: event.clientState, secrets: ["\${ settings.token }"] }\nrecord: item`,
  )
  expect(accepted(inEvent, { body: '{"clientState":"new"}' })).toBe(true)
  expect(accepted(inEvent, { body: '{"clientState":null}' })).toBe(false)
  const basic = await connect(`signature: { kind: basic, user: hub, password: "\${ settings.token }" }\nrecord: item`)
  const authorization = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  expect(accepted(basic, { headers: authorization('hub:new') })).toBe(true)
  expect(accepted(basic, { headers: authorization('hub:old') })).toBe(false)
  expect(accepted(basic, {})).toBe(false)
})

test('a shared secret or credentials among the headers are not kept with the event', async () => {
  const kept = (session: ConnectorSession, headers: Record<string, string>) => {
    const verdict = verify(session, {
      headers: { 'x-kind': 'changed', cookie: 'session=1', ...headers },
      body: '[{"id":1}]',
    })
    return 'events' in verdict ? verdict.events.map((event) => event.headers) : 'refused'
  }
  const long = 'a-long-secret'
  const told = { token: long }
  const kind = { 'x-kind': 'changed' }
  const header = `kind: token, header: X-Token, secrets: ["\${ settings.token }"]`
  expect(kept(await connect(`signature: { ${header} }\nrecord: item`, told), { 'x-token': long })).toEqual([kind])
  const several = await connect(`signature: { ${header} }\nevents: event\nitem_id: item.id\nrecord: item`, told)
  expect(kept(several, { 'x-token': long })).toEqual([expect.objectContaining(kind)])
  expect(JSON.stringify(kept(several, { 'x-token': long }))).not.toMatch(/secret|session/)
  const bearer = `kind: token, value: '$substringAfter(headers.\`x-auth\`, "Bearer ")', secrets: ["\${ settings.token }"]`
  expect(kept(await connect(`signature: { ${bearer} }\nrecord: item`, told), { 'x-auth': `Bearer ${long}` })).toEqual([
    kind,
  ])
  const basic = await connect(`signature: { kind: basic, user: hub, password: "\${ settings.token }" }\nrecord: item`)
  const authorization = `Basic ${Buffer.from('hub:new').toString('base64')}`
  expect(kept(basic, { authorization })).toEqual([kind])
  // A signature proves and gives nothing away.
  const sig = `sha256=${hmac('new', '[{"id":1}]').digest('hex')}`
  expect(kept(await connect(plain), { 'x-sig': sig })).toEqual([{ ...kind, 'x-sig': sig }])
})

test('a handshake is answered and nothing is stored', async () => {
  const open = await connect(
    `signature: { kind: token, header: X-Token, secrets: ["\${ settings.token }"] }\nhandshake: { when: $exists(query.validationToken), signed: false, body: "\${ query.validationToken }" }\nrecord: item`,
  )
  expect(verify(open, { query: { validationToken: '<b>x</b>' }, body: '' })).toEqual({
    accept: false,
    handshake: {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: '<b>x</b>',
    },
  })
  const signed = await connect(
    `signature: { kind: token, header: X-Token, secrets: ["\${ settings.token }"] }\nhandshake: { when: event.type = "check", body: "\${ event.challenge }" }\nrecord: item`,
  )
  const body = '{"type":"check","challenge":"c1"}'
  expect(verify(signed, { body, headers: { 'x-token': 'new' } })).toMatchObject({ handshake: { body: 'c1' } })
  expect(verify(signed, { body })).toMatchObject({ accept: false, error: { code: 'CSW-2010' } })
})

const readEvent = (session: ConnectorSession, event: unknown, stream: string | null = 'things') =>
  session.readEvent({
    headers: {},
    body: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
    stream,
    signal,
  })

test('an event becomes records, ids to fetch, or tombstones, each in its stream', async () => {
  const session = await connect(`signature: { kind: none }
events: event.items
stream: $lookup({"thing":"things","other":"others"}, item.kind)
record: item.object
id: item.id
deleted: item.type = "deleted"`)
  const found = await readEvent(
    session,
    '{"items":[{"kind":"thing","object":{"id":1,"n":0.10}},{"kind":"thing","id":2},{"kind":"other","id":3},{"kind":"thing","id":9007199254740993,"type":"deleted"}]}',
    null,
  )
  expect(found).toHaveLength(1)
  expect(found[0]).toMatchObject({ stream: 'things', fetch: ['2'] })
  expect(found[0]!.records.map(({ id, deleted }) => [id, deleted])).toEqual([
    ['1', undefined],
    ['9007199254740993', true],
  ])
  expect(JSON.stringify(found[0]!.records[0]!.body)).toBe('{"id":1,"n":0.10}')
  expect(await readEvent(session, { items: [] })).toEqual([])
})

test('an event that cannot be read is an error of its own, and does not count as nothing', async () => {
  const session = await connect('signature: { kind: none }\nid: item.id')
  await expect(readEvent(session, '{"id":')).rejects.toMatchObject({ code: 'CSW-2012' })
  await expect(readEvent(session, {})).rejects.toMatchObject({ code: 'CSW-2012' })
})

test('equal full records are one delivery, equal thin events are two', async () => {
  const id = (session: ConnectorSession, body: string) => {
    const verdict = verify(session, { body })
    return verdict.accept ? verdict.events[0]!.eventId : null
  }
  const full = await connect('signature: { kind: none }\nrecord: item')
  expect(id(full, '{"id":1}')).toBe(id(full, '{"id":1}'))
  expect(id(full, '{"id":1}')).not.toBe(id(full, '{"id":2}'))
  const thin = await connect('signature: { kind: none }\nid: item.id')
  expect(id(thin, '{"id":1}')).not.toBe(id(thin, '{"id":1}'))
  const named = await connect('signature: { kind: none }\nevent_id: event.event\nid: item.id')
  expect(id(named, '{"id":1,"event":77}')).toBe('77')
})

test('a connector without webhooks says so', async () => {
  const session = await open(restManifest('read: { path: / }'), nowhere)
  expect(() => verify(session, {})).toThrow(expect.objectContaining({ code: 'CSW-2003' }))
})

test('a form is read by its brackets, and never as anything but data', async () => {
  const session = await connect(`
signature: { kind: token, value: query.token, secrets: ["\${ settings.token }"] }
body_as: form
event_id: event.fired
record: event.contact`)
  const body =
    'type=update&fired=7&contact[id]=5&contact[name]=A+%26+B&contact[tags][]=x&contact[tags][]=y&contact[f][0][v]=1'
  const verdict = await verify(session, { body, query: { token: 'new' } })
  expect(verdict).toMatchObject({ accept: true, events: [{ eventId: '7' }] })
  expect(accepted(session, { body, query: { token: 'other' } })).toBe(false)
  const read = (text: string) => session.readEvent({ headers: {}, body: Buffer.from(text), stream: 'things', signal })
  expect((await read(body))[0]!.records[0]!.body).toEqual({ id: '5', name: 'A & B', tags: ['x', 'y'], f: [{ v: '1' }] })
  const [hostile] = await read('contact[id]=6&contact[__proto__][bad]=1&contact[x]=1&contact[x][y]=2&contact[&%zz=')
  expect(({} as Record<string, unknown>).bad).toBeUndefined()
  expect(Object.keys(hostile!.records[0]!.body)).toEqual(['id', '__proto__', 'x'])
})
