import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { load, restManifest, signal } from './open.ts'

const at = new Date('2026-11-23T12:00:00Z')
const seconds = Math.floor(at.getTime() / 1000)
const hmac = (text: string, encoding: 'hex' | 'base64' = 'hex', secret = 'secret-1') =>
  createHmac('sha256', secret).update(text).digest(encoding)

const connect = (webhooks: string, token = 'secret-1') =>
  load(restManifest('fetch: { path: "/things/${ id }" }', `webhooks:\n${webhooks}`))
    .get('test')
    .open({ name: 'conn', settings: { url: 'http://127.0.0.1:1', token } })

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const rawKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)

type Kind = { signature: string; token?: string; sign(body: string): Record<string, string> }
const URL_ = 'https://hub.example.com/hooks/crm?x=1'
const kinds: Record<string, Kind> = {
  'a list in one header (t=…,v1=…)': {
    signature: `{ kind: hmac, secrets: ["\${ settings.token }"], header: X-Signature, separator: ",", prefix: "v1=", signed: "\${ parts.t }.\${ body }", timestamp: parts.t }`,
    sign: (body) => ({ 'x-signature': `t=${seconds},v1=${'0'.repeat(64)},v1=${hmac(`${seconds}.${body}`)}` }),
  },
  'a header per key (…-1, …-2)': {
    signature: `{ kind: hmac, secrets: ["\${ settings.token }"], header: "X-Signature-*", encoding: base64 }`,
    sign: (body) => ({ 'x-signature-1': hmac(body, 'base64', 'other'), 'x-signature-2': hmac(body, 'base64') }),
  },
  'the body before the timestamp': {
    signature: `{ kind: hmac, secrets: ["\${ settings.token }"], header: X-Signature, signed: "\${ body }\${ headers.\`x-timestamp\` }", timestamp: "headers.\`x-timestamp\`" }`,
    sign: (body) => ({ 'x-signature': hmac(`${body}${seconds}`), 'x-timestamp': String(seconds) }),
  },
  'method and address': {
    signature: `{ kind: hmac, secrets: ["\${ settings.token }"], header: X-Signature, encoding: base64, signed: "\${ method }\${ url }\${ body }\${ headers.\`x-timestamp\` }", timestamp: "headers.\`x-timestamp\`" }`,
    sign: (body) => ({
      'x-signature': hmac(`POST${URL_}${body}${seconds}000`, 'base64'),
      'x-timestamp': `${seconds}000`,
    }),
  },
  ed25519: {
    signature: `{ kind: ed25519, keys: ["\${ settings.token }"], key_prefix: whpk_, header: webhook-signature, separator: " ", prefix: "v1a,", signed: "\${ headers.\`webhook-id\` }.\${ body }" }`,
    token: `whpk_${rawKey.toString('base64')}`,
    sign: (body) => ({
      'webhook-id': 'm1',
      'webhook-signature': `v1,zzzz v1a,${sign(null, Buffer.from(`m1.${body}`), privateKey).toString('base64')}`,
    }),
  },
  'a shared state in every item': {
    signature: `{ kind: token, value: event.value.clientState, secrets: ["\${ settings.token }"] }`,
    sign: () => ({}),
  },
}

test.each(Object.entries(kinds))('a delivery proves itself by %s, and a changed one does not', async (_, kind) => {
  const session = await connect(`  signature: ${kind.signature}\n  id: item.id`, kind.token)
  const body = JSON.stringify({
    value: [
      { id: 1, clientState: 'secret-1' },
      { id: 2, clientState: 'secret-1' },
    ],
  })
  const forged = JSON.stringify({
    value: [
      { id: 1, clientState: 'secret-1' },
      { id: 3, clientState: 'guess' },
    ],
  })
  const verify = (text: string, headers = kind.sign(body), url = URL_) =>
    session.verifyWebhook({ headers, body: Buffer.from(text), method: 'POST', url, stream: null, at }).accept
  expect(verify(body)).toBe(true)
  expect(verify(forged)).toBe(false)
  if (Object.keys(kind.sign(body)).length > 0) expect(verify(body, {})).toBe(false)
  if (kind.signature.includes('url')) expect(verify(body, kind.sign(body), `${URL_}2`)).toBe(false)
})

test('items of one delivery become events of their own, each with its id, and numbers keep their spelling', async () => {
  const session = await connect(`
  signature: { kind: none }
  events: event.items
  item_id: item.event
  stream: '"things"'
  record: item.thing
  answer: { status: 200, content_type: text/xml, body: "<ok>\${ $count(event.items) }</ok>" }`)
  const body = Buffer.from(
    '{"items":[{"event":"e1","thing":{"id":1,"big":12345678901234567890}},{"event":"e2","thing":{"id":2}}]}',
  )
  const verdict = session.verifyWebhook({ headers: { a: 'b' }, body, stream: null, at })
  if (!verdict.accept) throw new Error('refused')
  expect(verdict.events.map(({ eventId }) => eventId)).toEqual(['e1', 'e2'])
  expect(verdict.answer).toEqual({ status: 200, headers: { 'content-type': 'text/xml' }, body: '<ok>2</ok>' })
  const [first, second] = await Promise.all(
    verdict.events.map((event) =>
      session.readEvent({ headers: event.headers!, body: event.body!, stream: null, signal }),
    ),
  )
  expect(first).toMatchObject([{ stream: 'things', records: [{ id: '1' }], fetch: [] }])
  expect(JSON.stringify(first![0]!.records[0]!.body)).toBe('{"id":1,"big":12345678901234567890}')
  expect(second).toMatchObject([{ records: [{ id: '2' }] }])
})

test('a key that is no key is a refusal, not a crash', async () => {
  const session = await connect(`  signature: ${kinds.ed25519!.signature}\n  id: item.id`, 'whpk_not-a-key')
  const verdict = session.verifyWebhook({
    headers: kinds.ed25519!.sign('{}'),
    body: Buffer.from('{}'),
    stream: null,
    at,
  })
  expect(verdict).toMatchObject({ accept: false, error: { code: 'CSW-2010' } })
})

test('an event that says only that something changed names streams to pull, and two equal ones are two', async () => {
  const session = await connect(`
  signature: { kind: none }
  stream: 'headers.of ? $split(headers.of, " ") : "things"'
  events: '{ "state": headers.state }'
  pull: $exists(item.state)
  id: item.id`)
  const read = (headers: Record<string, string>) =>
    session.readEvent({ headers, body: Buffer.alloc(0), stream: null, signal })
  expect(await read({ state: 'change' })).toEqual([{ stream: 'things', records: [], fetch: [], pull: true }])
  expect(await read({ state: 'change', of: 'nothing things' })).toEqual([
    { stream: 'things', records: [], fetch: [], pull: true },
  ])
  await expect(read({})).rejects.toMatchObject({ code: 'CSW-2012' })
  const ids = [1, 2].map(() => {
    const seen = session.verifyWebhook({ headers: { state: 'change' }, body: Buffer.alloc(0), stream: null, at })
    return seen.accept && seen.events[0]!.eventId
  })
  expect(new Set(ids).size).toBe(2)
})
