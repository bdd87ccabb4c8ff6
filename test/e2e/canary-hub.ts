/** A hub in which a person and secrets went through everything that could keep or tell them: pulls, webhooks, refusals, faults, alerts. */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { httpReceiver } from '../alerts/receivers.ts'
import { CANARY_PERSON } from '../canary-words.ts'
import { freshDatabase } from '../postgres.ts'
import { Collector } from './collector.ts'
import { HubProcess, hubFolder, TOKEN, until } from './hub-process.ts'
import { CONNECTOR, MAPPING, Peer } from './peer.ts'

const HOOK = 'canary-hook-secret-9c41'
const ADMIN = 'canary-admin-token-0123456789abcdef'
const MASTER = Buffer.alloc(32, 0x5c).toString('base64')
const ALERT = `whsec_${Buffer.from('canary-alert-signing-key').toString('base64')}`
const COLLECTOR = 'canary-collector-key-77aa'
const PASSWORD = 'canary password of ada'

const connector = CONNECTOR.replace(
  'base_url:',
  '  hook: { type: text, secret: true, title: Hook, description: Any text }\nbase_url:',
).replace(
  'streams:\n',
  `webhooks:
  signature: { kind: hmac, secrets: ["\${ settings.hook }"], header: X-Signature, signed: "\${ body }" }
  event_id: event.id
  stream: '"contacts"'
  record: item.contact
streams:
`,
)

const hubFile = (peer: string, alerts: string): string => `connections:
  peer:
    connector: peer
    settings: { url: "${peer}" }
    secrets: { token: env:PEER_TOKEN, hook: env:PEER_HOOK }
    allow: [127.0.0.1]
alerts:
  ops:
    kind: webhook
    url: ${alerts}/causeway
    secrets: { signing_key: env:ALERT_KEY }
    severity: warning
    allow: ["${new URL(alerts).host}"]
`

const mapping =
  `${MAPPING.replace('  name: name\n', '  name: full_name\n').replace('$lowercase(email)', '$lowercase(mail)')}`
    .replace(
      'retry:',
      `  phone: phone\n  address: address\n  note: 'kind = "odd" ? $string($number(note)) : note'\nretry:`,
    )
    .replace('cap: 5s', 'cap: 2s')

/** What the log begins to say where a system fails. */
export const SAID_OF_SOURCE = 'pull failed'
export const SAID_OF_TARGET = 'target not usable'

export type CanaryHub = {
  url: string
  adminToken: string
  secrets: string[]
  person: string[]
  /** The letter of the record that the target refused. */
  letter: number
  /** Ends the hub, so that nothing more is said, and gives what left it, by where that is. */
  end: () => Promise<Record<string, string>>
  ask: (path: string) => Promise<string>
  /** The same with a token that may see the hub and no records. */
  watch: (path: string) => Promise<string>
}

/** Starts it and waits until all of that has happened; ended with the test. */
export async function canaryHub(adminToken = ADMIN): Promise<CanaryHub> {
  const [peer, collector, alerts] = [await Peer.start(), await Collector.start(), await httpReceiver()]
  const dir = await hubFolder(peer.url, {
    connector,
    hub: hubFile(peer.url, alerts.url),
    mappings: { 'contacts.yaml': mapping },
  })
  const database = await freshDatabase({ migrated: false })
  // What a target says of a record that it refuses quotes all of it.
  peer.refuse = (item) => (item.external_id === 'refused' ? `No: ${JSON.stringify(item)}` : undefined)
  for (const id of ['plain', 'refused', 'late']) peer.put(id, { ...CANARY_PERSON })
  // No number, which the message of the language quotes.
  peer.put('odd', { ...CANARY_PERSON, kind: 'odd' })
  const hub = await HubProcess.start(dir, {
    DATABASE_URL: database.url,
    PEER_TOKEN: TOKEN,
    PEER_HOOK: HOOK,
    ALERT_KEY: ALERT,
    CAUSEWAY_ADMIN_TOKEN: adminToken,
    CAUSEWAY_MASTER_KEY: MASTER,
    CAUSEWAY_LOG_FORMAT: 'json',
    CAUSEWAY_LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${COLLECTOR}`,
    CAUSEWAY_TRACES_ALLOW: new URL(collector.url).host,
  })
  const url = await hub.url()
  const headers = { authorization: `Bearer ${adminToken}` }
  const call = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(url + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  // Both systems fail with somebody in their words until the hub has said so in its log; then they work.
  const said = (message: string): boolean => hub.output.includes(`"msg":"${message}`)
  peer.intercept = ({ path, method }) => {
    if (path === '/contacts' && !said(SAID_OF_SOURCE)) return quoting(500)
    if (path.startsWith('/customers') && method !== 'GET' && !said(SAID_OF_TARGET))
      return quoting(503, { 'retry-after': '1' })
    return undefined
  }
  await call('POST', '/api/v1/syncs/contacts/run', { full: true })
  await webhooks(url)
  const letters = async (): Promise<{ id: number; recordId: string }[]> =>
    ((await (await call('GET', '/api/v1/dead-letters')).json()) as { items: { id: number; recordId: string }[] }).items
  const open = await until(letters, (items) =>
    ['refused', 'odd'].every((id) => items.some(({ recordId }) => recordId === id)),
  )
  await until(
    () => [...peer.customers.values()].map(({ external_id }) => external_id),
    (ids) => ['plain', 'late', 'hooked'].every((id) => ids.includes(id)),
  )
  const letter = open.find(({ recordId }) => recordId === 'refused')!.id
  await asked(call, letter)
  await until(
    () => alerts.taken.map(({ body }) => body).join('\n'),
    (bodies) => bodies.includes('CSW-3008'),
  )
  await until(
    () => collector.spans.map(({ name }) => name),
    (names) => ['receive webhook', 'pull', 'call'].every((name) => names.includes(name)),
  )
  const made = await call('POST', '/api/v1/tokens', { name: 'watcher', role: 'viewer', scopes: ['hub:read'] })
  expect(made.status).toBe(200)
  const { secret } = (await made.json()) as { secret: string }
  return {
    url,
    adminToken,
    secrets: [TOKEN, HOOK, ALERT.slice('whsec_'.length), adminToken, MASTER, COLLECTOR, PASSWORD],
    person: Object.values(CANARY_PERSON),
    letter,
    end: async () => {
      await hub.stop()
      return {
        'the logs': hub.output,
        traces: collector.raw,
        alerts: alerts.taken.map(({ body, headers: sent }) => body + JSON.stringify(sent)).join('\n'),
      }
    },
    ask: async (path) => (await call('GET', path)).text(),
    watch: async (path) => (await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } })).text(),
  }
}

/** An answer that names whom it is about, and what we showed of ourselves. */
const quoting = (status: number, headers: Record<string, string> = {}) => ({
  before: (response: ServerResponse) =>
    response
      .writeHead(status, { ...headers, 'content-type': 'application/json' })
      .end(JSON.stringify({ error: { message: `cannot show ${JSON.stringify(CANARY_PERSON)} to ${TOKEN}` } })),
})

/** One that is taken, one with a wrong signature, one that is no JSON, one whose record has no id. */
async function webhooks(url: string): Promise<void> {
  const send = async (body: string, key = HOOK): Promise<number> =>
    (
      await fetch(`${url}/hooks/peer?mail=${encodeURIComponent(CANARY_PERSON.mail)}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-signature': createHmac('sha256', key).update(body).digest('hex'),
        },
      })
    ).status
  const contact = { ...CANARY_PERSON, id: 'hooked', updated_at: '2026-02-01T00:00:00Z' }
  expect(await send(JSON.stringify({ id: 'e1', contact }))).toBe(202)
  expect(await send(JSON.stringify({ id: 'e2', contact }), 'another key')).toBe(401)
  await send(`{"id": "e3", "contact": ${JSON.stringify(CANARY_PERSON)}`)
  await send(JSON.stringify({ id: 'e4', contact: CANARY_PERSON }))
}

/** What people ask with a person or a secret in their hands, well and badly. */
async function asked(
  call: (method: string, path: string, body?: unknown) => Promise<Response>,
  letter: number,
): Promise<void> {
  const mail = encodeURIComponent(CANARY_PERSON.mail)
  await call('GET', `/api/v1/records?q=${mail}`)
  await call('GET', `/api/v1/nowhere/${mail}?name=${encodeURIComponent(CANARY_PERSON.full_name)}`)
  await call('GET', `/api/v1/runs?cursor=${mail}`)
  await call('POST', `/api/v1/dead-letters/${letter}/assign`, { assignee: 'ada', note: 7, person: CANARY_PERSON })
  await call('POST', '/api/v1/syncs/contacts/try', { record: CANARY_PERSON, mapping: 'map: [' })
  await call('POST', '/api/v1/users', { name: 'ada', role: 'viewer', password: PASSWORD })
  await call('POST', '/api/v1/login', { name: 'ada', password: PASSWORD })
  await call('POST', '/api/v1/login', { name: 'ada', password: `${PASSWORD} not` })
  // Nobody has that value, so that everything else stays to be looked for.
  const erased = await call('POST', '/api/v1/erasures', { field: 'nickname', value: CANARY_PERSON.note })
  expect(erased.status).toBe(200)
}

/** Every address of the page, as its own table of them says. */
export async function addressesOfThePage(): Promise<string[]> {
  const file = join(import.meta.dirname, '../../src/ui/pages/others.ts')
  return ['/', ...[...(await readFile(file, 'utf8')).matchAll(/^ {2}'(\/[\w-]+)': /gm)].map(([, path]) => path!)]
}
