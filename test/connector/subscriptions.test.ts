import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { requestFields } from '../../src/connector/parts/request.ts'
import { subscriptionsPart } from '../../src/connector/parts/subscriptions.ts'
import { failureOf, open, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const example = subscriptionsPart(requestFields).example!.trim()
const webhooks = `
webhooks:
  signature: { kind: hmac, secrets: ["\${ subscription.secret }"], header: X-Signature }
  id: item.id`
const stream = 'fetch: { path: "/things/${ id }" }'
const manifestOf = (subscriptions: string) => restManifest(stream, `${subscriptions}\n${webhooks}`)

/** A system where webhooks are ordered; they last as long as they were asked for. */
function ordering() {
  const known = new Map<string, { url: string; secret: string; events: string[]; expires: string }>()
  const handler = ({ method, path, json }: Asked): Reply => {
    const id = path.split('/')[2]
    if (method === 'POST') {
      const made = `s${known.size + 1}`
      known.set(made, json)
      return { status: 201, json: { id: made, expires: json.expires } }
    }
    if (!id || !known.has(id)) return { status: 404 }
    if (method === 'DELETE') known.delete(id)
    else known.get(id)!.expires = json.expires
    return { json: { expires: json?.expires } }
  }
  return { known, handler }
}

test('the example of the reference: webhooks are ordered with our address and secret, renewed and removed', async () => {
  const { known, handler } = ordering()
  await using server = await serve(handler)
  const session = await open(manifestOf(example), server)
  const subscriber = session.subscriber!()
  expect(subscriber.plan(['contacts', 'things'])).toEqual([{ stream: 'contacts', streams: ['contacts'] }])
  const wish = { stream: 'contacts', streams: ['contacts'], url: 'https://hub.example.com/hooks/crm/contacts', signal }
  const made = await subscriber.create(wish)
  expect(known.get(made.id)).toMatchObject({
    url: wish.url,
    secret: made.secret,
    events: ['contact.created', 'contact.updated'],
  })
  expect(made.secret).toMatch(/^[0-9a-f]{64}$/)
  const days = (at: Date | null) => (at!.getTime() - Date.now()) / 86_400_000
  expect(days(made.expiresAt)).toBeCloseTo(3, 2)
  known.get(made.id)!.expires = 'soon'
  const renewed = await subscriber.renew(made, ['contacts'], signal)
  expect(renewed).toMatchObject({ id: made.id, secret: made.secret })
  expect(known.get(made.id)!.expires).not.toBe('soon')
  await subscriber.remove(renewed, signal)
  expect(known.size).toBe(0)
  // It is gone already: nothing is left to do.
  await subscriber.remove(renewed, signal)
})

test('a connector over OData orders webhooks in the same way', async () => {
  const { known, handler } = ordering()
  await using server = await serve(handler)
  const set = 'streams: { contacts: { title: Contacts, set: contacts, keys: { id: guid } } }'
  const odata = restManifest('', `${example}\n${webhooks}`)
    .replace('protocol: rest', 'protocol: odata')
    .replace(/streams:\n {2}things:[\s\S]*$/, set)
  const subscriber = (await open(odata, server)).subscriber!()
  const wish = { stream: 'contacts', streams: ['contacts'], url: 'https://hub.example.com/hooks/erp/contacts', signal }
  const made = await subscriber.create(wish)
  expect(known.get(made.id)).toMatchObject({ url: wish.url, secret: made.secret })
  await subscriber.remove(made, signal)
  expect(known.size).toBe(0)
})

test('where a system knows no renewal, another one is made before the old one is removed', async () => {
  const { known, handler } = ordering()
  await using server = await serve(handler)
  const session = await open(manifestOf(example.replace(/\n {2}renew:.*/, '')), server)
  const subscriber = session.subscriber!()
  const wish = { stream: 'contacts', streams: ['contacts'], url: 'https://hub.example.com/hooks/crm/contacts', signal }
  const made = await subscriber.create(wish)
  const next = await subscriber.renew(made, ['contacts'], signal)
  expect(next.id).not.toBe(made.id)
  expect([...known.keys()]).toEqual([next.id])
  expect(server.asked.map(({ method }) => method)).toEqual(['POST', 'POST', 'DELETE'])
})

test('a delivery is checked with the secrets of the webhooks that were ordered', async () => {
  const { handler } = ordering()
  await using server = await serve(handler)
  const session = await open(manifestOf(example), server)
  const body = Buffer.from('{"id":1}')
  const signed = (secret: string) => ({ 'x-signature': createHmac('sha256', secret).update(body).digest('hex') })
  const subscriptions = [
    { id: 'old', secret: 'secret-of-the-old-one' },
    { id: 'new', secret: 'secret-of-the-new-one' },
  ]
  const verify = (headers: Record<string, string>, known = subscriptions) =>
    session.verifyWebhook({ headers, body, subscriptions: known, stream: null, at: new Date() }).accept
  expect(verify(signed('secret-of-the-old-one'))).toBe(true)
  expect(verify(signed('secret-of-the-new-one'))).toBe(true)
  expect(verify(signed('another'))).toBe(false)
  expect(verify(signed('secret-of-the-old-one'), [])).toBe(false)
})

test('a lost answer to an order is unknown, and a connector that orders nothing says so', async () => {
  await using server = await serve((_asked, response) => {
    response.destroy()
    return undefined
  })
  const session = await open(manifestOf(example), server)
  const wish = { stream: null, streams: ['contacts'], url: 'https://hub.example.com/hooks/crm', signal }
  expect(await failureOf(session.subscriber!().create(wish))).toMatchObject({ code: 'CSW-3012' })
  const none = await open(restManifest(stream), server)
  expect(() => none.subscriber!()).toThrow(expect.objectContaining({ code: 'CSW-2003' }))
})
