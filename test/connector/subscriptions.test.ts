import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { requestFields } from '../../src/connector/parts/request.ts'
import { subscriptionsPart } from '../../src/connector/parts/subscription-fields.ts'
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
    if (method === 'GET')
      return { json: { items: [...known].map(([id, { secret: _, ...rest }]) => ({ id, ...rest })) } }
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

const SECRET = 'secret-of-an-order'
const order = {
  stream: 'contacts',
  streams: ['contacts'],
  url: 'https://hub.example.com/hooks/crm/contacts',
  secret: SECRET,
}

test('the example of the reference: webhooks are ordered with our address and secret, found, renewed and removed', async () => {
  const { known, handler } = ordering()
  await using server = await serve(handler)
  const session = await open(manifestOf(example), server)
  const subscriber = session.subscriber!()
  expect(subscriber.plan(['contacts', 'things'])).toEqual([
    { stream: 'contacts', streams: ['contacts'], events: ['contact.created', 'contact.updated'] },
  ])
  expect(subscriber).toMatchObject({ ownSecret: true, finds: true, renews: true, lifetimeMs: 259_200_000 })
  expect(subscriber.newSecret()).toMatch(/^[0-9a-f]{64}$/)
  const made = await subscriber.create(order, { signal })
  expect(known.get(made.id)).toMatchObject({
    url: order.url,
    secret: SECRET,
    events: ['contact.created', 'contact.updated'],
  })
  expect(await subscriber.find(signal)).toEqual([{ id: made.id, url: order.url, expiresAt: made.expiresAt }])
  const days = (at: Date | null) => (at!.getTime() - Date.now()) / 86_400_000
  expect(days(made.expiresAt)).toBeCloseTo(3, 2)
  known.get(made.id)!.expires = 'soon'
  expect(days(await subscriber.renew(made, ['contacts'], signal))).toBeCloseTo(3, 2)
  expect(known.get(made.id)!.expires).not.toBe('soon')
  await subscriber.remove(made, signal)
  expect(known.size).toBe(0)
  // It is gone already: nothing is left to do.
  await subscriber.remove(made, signal)
  expect(await failureOf(subscriber.renew(made, ['contacts'], signal))).toMatchObject({ code: 'CSW-3009' })
})

test('a connector over OData orders webhooks in the same way', async () => {
  const { known, handler } = ordering()
  await using server = await serve(handler)
  const set = 'streams: { contacts: { title: Contacts, set: contacts, keys: { id: guid } } }'
  const odata = restManifest('', `${example}\n${webhooks}`)
    .replace('protocol: rest', 'protocol: odata')
    .replace(/streams:\n {2}things:[\s\S]*$/, set)
  const subscriber = (await open(odata, server)).subscriber!()
  const made = await subscriber.create(order, { signal })
  expect(known.get(made.id)).toMatchObject({ url: order.url, secret: SECRET })
  await subscriber.remove(made, signal)
  expect(known.size).toBe(0)
})

test('a list of webhooks is read to its end, and one without end is a fault of the manifest', async () => {
  await using server = await serve(({ query }) => {
    const from = Number(query.get('after') ?? 0)
    return {
      json: { items: [{ id: from + 1, url: `https://hub.example.com/${from + 1}` }], more: from < 2 || from > 90 },
    }
  })
  const finding = (next: string) =>
    example.replace(
      /find: .*/,
      `find:\n    path: /subscriptions\n    query: { after: "\${ cursor }" }\n    items: response.items\n    id: item.id\n    url: item.url\n    next: ${next}`,
    )
  const found = (await open(manifestOf(finding('response.more ? response.items[0].id')), server)).subscriber!()
  expect((await found.find(signal)).map(({ id }) => id)).toEqual(['1', '2', '3'])
  const endless = (await open(manifestOf(finding('\'"1"\'')), server)).subscriber!()
  expect(await failureOf(endless.find(signal))).toMatchObject({ code: 'CSW-2004' })
})

test('streams with the same events share an order, which may need a place in a feed', async () => {
  const { known, handler } = ordering()
  await using server = await serve((asked) => (asked.path === '/feed' ? { json: { position: 'p7' } } : handler(asked)))
  const manifest = example
    .replace('per: stream', 'per: events')
    .replace(/events: \{ contacts.*/, 'events: { contacts: [people], files: [drive], folders: [drive] }')
    .replace('  create:\n', '  create:\n    begin: { path: /feed, mark: response.position }\n')
    .replace('path: /subscriptions', 'query: { from: "${ mark }" }\n    path: /subscriptions')
  const subscriber = (await open(manifestOf(manifest), server)).subscriber!()
  expect(subscriber.plan(['folders', 'contacts', 'files'])).toEqual([
    { stream: 'contacts', streams: ['contacts'], events: ['people'] },
    { stream: 'files', streams: ['files', 'folders'], events: ['drive'] },
  ])
  expect(subscriber.plan(['folders'])).toEqual([{ stream: 'folders', streams: ['folders'], events: ['drive'] }])
  const made = await subscriber.create({ ...order, streams: ['files', 'folders'] }, { signal })
  expect(known.get(made.id)).toMatchObject({ events: ['drive'] })
  expect(server.asked.map(({ method, path, query }) => `${method} ${path} ${query}`)).toEqual([
    'GET /feed ',
    'POST /subscriptions from=p7',
  ])
})

test('an order that may no longer be sent is not', async () => {
  await using server = await serve(ordering().handler)
  const subscriber = (await open(manifestOf(example), server)).subscriber!()
  expect(await failureOf(subscriber.create(order, { signal, maySend: () => false }))).toMatchObject({
    code: 'CSW-3015',
  })
  expect(server.asked).toEqual([])
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
  expect(await failureOf(session.subscriber!().create(order, { signal }))).toMatchObject({ code: 'CSW-3012' })
  const none = await open(restManifest(stream), server)
  expect(() => none.subscriber!()).toThrow(expect.objectContaining({ code: 'CSW-2003' }))
})
