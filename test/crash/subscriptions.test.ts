import { createHmac } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { causeway, HubProcess, hubFolder, until } from '../e2e/hub-process.ts'
import { CONNECTOR, MAPPING } from '../e2e/peer.ts'

const ORDERS = `subscriptions:
  events: { contacts: [contact.changed] }
  create:
    path: /subscriptions
    body: { url: "\${ url }", secret: "\${ secret }", events: "\${ events }" }
    id: response.id
  find: { path: /subscriptions, items: response.items, id: item.id, url: item.url }
  delete: { path: "/subscriptions/\${ subscription.id }" }
webhooks:
  signature: { kind: hmac, secrets: ["\${ subscription.secret }"], header: X-Signature }
  handshake: { when: $exists(event.challenge), body: "\${ event.challenge }" }
  event_id: event.id
  record: item.contact
`

type Ordered = { url: string; secret: string }

/** Where the peer keeps what was ordered. It checks our address before it says yes, as vendors do. */
async function ordering(): Promise<{
  live: Map<string, Ordered>
  url: string
  checks: string[]
  onOrder: () => Promise<boolean>
}> {
  const state = { live: new Map<string, Ordered>(), url: '', checks: [] as string[], onOrder: async () => true }
  let last = 0
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const answer = (status: number, json: unknown) => response.writeHead(status).end(JSON.stringify(json))
    if (request.method === 'GET') return answer(200, { items: [...state.live].map(([id, { url }]) => ({ id, url })) })
    if (request.method === 'DELETE') {
      const known = state.live.delete(request.url!.split('/').at(-1)!)
      return answer(known ? 200 : 404, {})
    }
    // The sync itself may write before its connection is taken away.
    if (!request.url!.startsWith('/subscriptions')) return answer(404, {})
    const order = JSON.parse(Buffer.concat(chunks).toString()) as Ordered
    const shaken = await post(order, { challenge: 'abc' })
    state.checks.push(`${shaken.status} ${await shaken.text()}`)
    if (state.checks.at(-1) !== '200 abc') return answer(400, {})
    state.live.set(`s${++last}`, order)
    if (await state.onOrder()) answer(201, { id: `s${last}` })
    else response.destroy()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return state
}

function post({ url, secret }: Ordered, event: object): Promise<Response> {
  const body = JSON.stringify(event)
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return fetch(url, { method: 'POST', body, headers: { 'x-signature': signature, 'content-type': 'application/json' } })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

test('killed between an order and its answer, the hub finds the webhook again; without its connection it is removed', {
  timeout: 300_000,
}, async () => {
  const orders = await ordering()
  const port = String(await freePort())
  const dir = await hubFolder(orders.url, {
    connector: CONNECTOR.replace('streams:', `${ORDERS}streams:`),
    mappings: { 'contacts.yaml': MAPPING.replace('schedule: manual', 'schedule: webhook') },
  })
  expect((await causeway(dir, 'validate')).stdout).toContain('CSW-1008')
  const start = () => HubProcess.start(dir, { CAUSEWAY_PUBLIC_URL: `http://127.0.0.1:${port}` }, '--port', port)
  let hub = await start()
  orders.onOrder = async () => {
    await hub.kill()
    return false
  }
  await until(
    () => orders.live.size,
    (size) => size === 1,
    150_000,
  )
  await until(() => hub.child.signalCode, Boolean, 60_000)
  orders.onOrder = async () => true
  hub = await start()
  type Listed = { items: { state: string; remoteId: string }[] }
  const listed = () => hub.api<Listed>('GET', '/subscriptions')
  expect(await until(listed, ({ items }) => items[0]?.state === 'active', 150_000)).toMatchObject({
    items: [{ state: 'active', remoteId: 's1' }],
  })
  expect([...orders.live.keys()]).toEqual(['s1'])
  expect(orders.checks).toEqual(['200 abc'])
  const [ordered] = [...orders.live.values()] as [Ordered]
  expect((await post(ordered, { id: 'e1', contact: { id: 'c1', updated_at: '2026-01-01T00:00:00Z' } })).status).toBe(
    202,
  )
  expect((await post({ ...ordered, secret: 'guessed' }, { id: 'e2' })).status).toBe(401)
  await hub.stop()
  await rm(join(dir, 'mappings/contacts.yaml'))
  await writeFile(join(dir, 'causeway.yaml'), 'connections: {}\n')
  hub = await start()
  await until(
    () => orders.live.size,
    (size) => size === 0,
    150_000,
  )
  expect(await until(listed, ({ items }) => items.length === 0, 10_000)).toEqual({ items: [] })
})
