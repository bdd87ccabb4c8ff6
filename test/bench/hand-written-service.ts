/**
 * What a team writes itself: Fastify takes webhooks and puts each as a job into BullMQ on Redis, a worker maps it with jsonata
 * and posts it with axios. Redis keeps every job on disk before it answers, so that both contenders promise the same.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import axios from 'axios'
import { Queue, Worker } from 'bullmq'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import jsonata from 'jsonata'

const [port, redisUrl, targetUrl, secret] = process.argv.slice(2) as [string, string, string, string]
const connection = (): Redis => new Redis(redisUrl, { maxRetriesPerRequest: null })
const queue = new Queue<{ body: string }>('hooks', { connection: connection() })
const mapping = jsonata('{ "external_id": contact.id, "name": contact.name, "rev": contact.rev }')

process.once('message', () => {
  const deliver = async ({ data }: { data: { body: string } }): Promise<void> => {
    const mapped = await mapping.evaluate(JSON.parse(data.body))
    await axios.post(`${targetUrl}/customers`, mapped)
  }
  new Worker<{ body: string }>('hooks', deliver, { connection: connection(), concurrency: 8 })
})

const app = fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/hooks/source', async (request, reply) => {
  const body = request.body as Buffer
  const signed = createHmac('sha256', secret).update(`${request.headers['x-timestamp']}.`).update(body).digest()
  const given = Buffer.from(String(request.headers['x-signature']).slice('sha256='.length), 'hex')
  if (given.length !== signed.length || !timingSafeEqual(given, signed)) return reply.code(401).send()
  const text = body.toString()
  await queue.add(
    'hook',
    { body: text },
    { jobId: `h-${(JSON.parse(text) as { id: string }).id}`, removeOnComplete: true },
  )
  return reply.code(202).send()
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.send?.('ready')
