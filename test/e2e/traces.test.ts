/** Traces from a webhook to the call to the target, as a collector gets them over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../postgres.ts'
import { attributesOf, Collector } from './collector.ts'
import { HubProcess, hubFolder, TOKEN, until } from './hub-process.ts'
import { CONNECTOR, MAPPING, Peer } from './peer.ts'

const BIN = join(import.meta.dirname, '../../bin/causeway.mjs')
const SECRET = 'canary-webhook-secret-77'
const PERSON = 'canary.person@example.test'
const COLLECTOR_KEY = 'canary-collector-key'

const webhooks = `webhooks:
  signature: { kind: hmac, secrets: ["\${ settings.hook }"], header: X-Signature, signed: "\${ body }" }
  event_id: event.id
  stream: '"contacts"'
  record: item.contact
`
const connector = CONNECTOR.replace(
  'base_url:',
  '  hook: { type: text, secret: true, title: Hook, description: Any text }\nbase_url:',
).replace('streams:\n', `${webhooks}streams:\n`)

const hubFile = (url: string, traceparent: boolean): string => `connections:
  peer:
    connector: peer
    settings: { url: "${url}" }
    secrets: { token: env:PEER_TOKEN, hook: env:PEER_HOOK }
    allow: [127.0.0.1]
    traceparent: ${traceparent}
`

/** Sends one webhook about one person; gives the trace it says it belongs to. */
async function send(url: string, id: number): Promise<string> {
  const traceId = id.toString(16).padStart(32, 'a')
  const contact = { id: `p${id}`, name: 'Canary Person', email: PERSON, updated_at: '2026-02-01T00:00:00Z' }
  const body = JSON.stringify({ id: `event-${id}`, contact })
  const answer = await fetch(`${url}/hooks/peer`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    },
  })
  expect(answer.status).toBe(202)
  return traceId
}

const environment = (collector: Collector): Record<string, string> => ({
  PEER_HOOK: SECRET,
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${COLLECTOR_KEY}`,
  CAUSEWAY_TRACES_ALLOW: new URL(collector.url).host,
  CAUSEWAY_LOG_FORMAT: 'json',
})

test('one webhook is one trace from its receipt to the call to the target, and nothing of it is personal', {
  timeout: 200_000,
}, async () => {
  const [peer, collector] = [await Peer.start(), await Collector.start()]
  const dir = await hubFolder(peer.url, {
    connector,
    hub: hubFile(peer.url, true),
    mappings: { 'contacts.yaml': MAPPING },
  })
  const hub = await HubProcess.start(dir, environment(collector))
  const traceId = await send(await hub.url(), 1)
  const spans = await until(
    () => collector.of(traceId),
    (found) => ['call', 'push batch', 'receive webhook'].every((name) => found.some((span) => span.name === name)),
  )
  const create = spans.findLast(({ name }) => name === 'call')!
  expect(spans.at(-1), 'the last that begins is the call to the target').toBe(create)
  expect(attributesOf(create)).toEqual({
    'causeway.connection': 'peer',
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
  })

  // One chain, from the sender to the target and without a gap.
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const chain: string[] = []
  for (let span = byId.get(create.spanId); span; span = byId.get(span.parentSpanId ?? '')) chain.unshift(span.name)
  expect(chain).toEqual(['receive webhook', 'read webhook', 'push batch', 'write', 'call'])
  expect(spans.map(({ name }) => name)).toContain('map batch')
  expect(spans.find(({ name }) => name === 'receive webhook')!.parentSpanId).toBe('00f067aa0ba902b7')
  expect(peer.calls.at(-1)).toBe('POST /customers/batch')
  expect(peer.traceparents.at(-1), 'the target can go on with the trace').toBe(`00-${traceId}-${create.spanId}-01`)

  // What nobody asked for in a webhook is a trace too: a pull with its pages.
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  const pull = await until(
    () => collector.spans.find(({ name }) => name === 'pull'),
    (span) => span !== undefined,
  )
  const pages = collector.of(pull!.traceId).filter(({ name }) => name === 'page')
  expect(pages.map(({ parentSpanId }) => parentSpanId)).toContain(pull!.spanId)

  expect(new Set(collector.headers)).toEqual(new Set([COLLECTOR_KEY]))
  for (const secret of [PERSON, 'Canary Person', 'p1"', 'event-1', SECRET, TOKEN, '/customers'])
    expect(collector.raw.includes(secret), secret).toBe(false)
  expect(hub.output.includes(COLLECTOR_KEY)).toBe(false)
})

test('over two processes it is one trace too; a target that did not ask for it gets no header', {
  timeout: 200_000,
}, async () => {
  const [peer, collector] = [await Peer.start(), await Collector.start()]
  const dir = await hubFolder(peer.url, { connector, hub: hubFile(peer.url, false) })
  const database = await freshDatabase({ migrated: false })
  const env = {
    ...process.env,
    ...environment(collector),
    PEER_TOKEN: TOKEN,
    NO_COLOR: '1',
    DATABASE_URL: database.url,
    CAUSEWAY_ADMIN_TOKEN: 'of-this-test-only-'.repeat(3),
    CAUSEWAY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  }
  const serve = start(['-C', dir, 'serve', '--port', '0'], env)
  const url = await until(
    () => /runs at (\S+)/.exec(serve.output())?.[1],
    (found) => found !== undefined,
  )
  const worker = start(['-C', dir, 'worker'], env)
  await until(worker.output, (output) => output.includes('works'))
  const traceId = await send(url!, 2)
  const spans = await until(
    () => collector.of(traceId),
    (found) => ['call', 'push batch', 'receive webhook'].every((name) => found.some((span) => span.name === name)),
  )
  expect(spans[0]!.name).toBe('receive webhook')
  expect(spans.at(-1)!.name).toBe('call')
  const instances = new Set(spans.map(({ instance }) => instance))
  expect(instances.size).toBe(2)
  expect(spans.every(({ name, instance }) => (name === 'receive webhook') === (instance === spans[0]!.instance))).toBe(
    true,
  )
  expect(peer.traceparents.filter((traceparent) => traceparent !== undefined)).toEqual([])
})

test('of a share of none nothing is sent, whatever a sender asks for, and log lines name run and trace', {
  timeout: 200_000,
}, async () => {
  const [peer, collector] = [await Peer.start(), await Collector.start()]
  peer.refuse = () => 'no'
  const dir = await hubFolder(peer.url, { connector, hub: hubFile(peer.url, true) })
  const hub = await HubProcess.start(dir, { ...environment(collector), OTEL_TRACES_SAMPLER_ARG: '0' })
  const traceId = await send(await hub.url(), 3)
  await until(
    () => peer.calls,
    (calls) => calls.includes('POST /customers/batch'),
  )
  expect(peer.traceparents.at(-1), 'and the target is told that it is not kept').toMatch(/-00$/)
  peer.intercept = ({ path }) => (path === '/contacts' ? { before: (response) => response.destroy() } : undefined)
  await hub.api('POST', '/syncs/contacts/run', { full: true })
  await until(
    () => hub.output,
    (output) => output.includes('"pull failed"'),
  )
  const failed = hub.output.split('\n').find((line) => line.includes('"pull failed"'))!
  expect(JSON.parse(failed)).toMatchObject({
    runId: expect.any(Number),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(await hub.stop()).toBe(0)
  expect(collector.of(traceId)).toEqual([])
  expect(collector.spans).toEqual([])
})

function start(args: string[], env: NodeJS.ProcessEnv): { output(): string; child: ChildProcess } {
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk))
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  return { child, output: () => output }
}
