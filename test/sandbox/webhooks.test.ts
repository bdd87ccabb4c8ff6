import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, client } from './calls.ts'

type Event = { eventId: string; subscriptionType: string; objectId: string; attemptNumber: number }
type Received = { headers: IncomingHttpHeaders; body: string; events: Event[] }

test('the CRM signs its events and sends them again until they are accepted', async () => {
  const received: Received[] = []
  const answers = [500, 204]
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    received.push({ headers: request.headers, body, events: JSON.parse(body) as Event[] })
    response.writeHead(answers[received.length - 1] ?? 204).end()
    server.emit('received')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sandbox = await startSandbox({ ports: ANY_PORT, webhookRetryMs: 20 })
  try {
    const ask = await client(sandbox, 'crm')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`
    const subscription = { url, events: ['contact.propertyChange', 'contact.deletion'], secret: 'shared' }
    expect((await ask('POST', '/crm/v1/webhooks/subscriptions', subscription)).status).toBe(201)
    expect(JSON.stringify((await ask('GET', '/crm/v1/webhooks/subscriptions')).json)).not.toContain('shared')
    const [one, two] = (await ask('GET', '/crm/v1/contacts?limit=2')).json.results
    const inputs = [one, two].map(({ id }) => ({ id, properties: { jobTitle: 'Geschäftsführerin' } }))
    await ask('POST', '/crm/v1/contacts/batch/update', { inputs })
    while (received.length < 2) await once(server, 'received')

    const [first, again] = received as [Received, Received]
    expect(first.events.map((event) => [event.subscriptionType, event.objectId])).toEqual([
      ['contact.propertyChange', one.id],
      ['contact.propertyChange', two.id],
    ])
    expect(again.events.map((event) => event.eventId)).toEqual(first.events.map((event) => event.eventId))
    expect(again.events[0]?.attemptNumber).toBe(1)
    for (const { headers, body } of received) {
      const signed = createHmac('sha256', 'shared').update(`${headers['x-crm-timestamp']}.${body}`).digest('base64')
      expect(headers['x-crm-signature']).toBe(signed)
    }
    expect((await ask('DELETE', '/crm/v1/webhooks/subscriptions/1')).status).toBe(204)
  } finally {
    await sandbox.stop()
    server.close()
    server.closeAllConnections()
  }
})
