/** A hub whose ledger is a real database and whose HTTP server listens on a real socket. Only the pipeline is absent. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { createAccess, type ProviderSettings } from '../../src/access/index.ts'
import { bulkServices, bulkSweep } from '../../src/assemble/bulk-actions.ts'
import { entityServices } from '../../src/assemble/entities.ts'
import { recordedIn } from '../../src/assemble/recorded.ts'
import { storedSecrets } from '../../src/assemble/stored-secrets.ts'
import { WebhookTally } from '../../src/assemble/webhook-tally.ts'
import { CausewayError } from '../../src/core/index.ts'
import { buildServer, type HubServices, type ServerOptions, type WebhookRequest } from '../../src/http/index.ts'
import { startSweeps } from '../../src/queue/index.ts'
import { erase } from '../../src/store/erasure.ts'
import { ErasureKeys } from '../../src/store/erasure-keys.ts'
import { InboxWriter } from '../../src/store/inbox.ts'
import { holdLease } from '../../src/store/leases.ts'
import { decideConflicts } from '../../src/store/ledger/conflicts.ts'
import { assignDeadLetter, correctRecord, replayEvents } from '../../src/store/ledger/corrections.ts'
import { acceptDrift } from '../../src/store/ledger/drifts.ts'
import { decideHold } from '../../src/store/ledger/holds.ts'
import { discardDeadLetters, requeueDeadLetters } from '../../src/store/ledger/work.ts'
import { RequestKeyBook } from '../../src/store/request-keys.ts'
import type { SecretStore } from '../../src/store/secrets.ts'
import { freshDatabase } from '../postgres.ts'
import { Promised } from './promised.ts'
import { secretsOf } from './secret-store.ts'

export const TOKEN = 'test-token-0123456789abcdef0123456789abcdef'

export type TestHub = {
  pool: pg.Pool
  app: FastifyInstance
  url: string
  services: HubServices
  /** What the hub keeps sealed. */
  secrets: SecretStore
  /** Calls of actions, in order: name and arguments. */
  calls: [string, ...unknown[]][]
  get(path: string): Promise<Response>
  post(path: string, body?: unknown): Promise<Response>
  close(): Promise<void>
}

export async function startHub(
  options: Partial<ServerOptions> & {
    services?: Partial<HubServices>
    provider?: ProviderSettings
    pool?: pg.Pool
  } = {},
): Promise<TestHub> {
  const { services: overrides, provider = null, pool = (await freshDatabase()).pool, ...serverOptions } = options
  const calls: TestHub['calls'] = []
  const services = { ...ledgerServices(pool, calls), ...overrides }
  const promised = new Promised()
  const app = await buildServer(services, {
    database: pool,
    access: createAccess(pool, { provider }),
    adminToken: TOKEN,
    version: '0.0.0-test',
    ...serverOptions,
    // Tests ask faster than anybody else.
    limits: { requestsPerMinute: 1_000_000, ...serverOptions.limits },
    onRoute: (route) => {
      promised.watch(route)
      serverOptions.onRoute?.(route)
    },
  })
  const bulk = bulkSweep(pool, {
    holdLease: (name) => holdLease(pool, name, { holder: 'test' }),
    model: () => ({ sync: () => undefined }) as never,
    queue: { wakeMany: async () => undefined } as never,
  })
  const sweeping = startSweeps([{ ...bulk, everyMs: 50 }], { log: { warn() {}, error() {} } as never })
  app.addHook('onClose', () => sweeping.stop())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const headers = { authorization: `Bearer ${TOKEN}` }
  return {
    pool,
    app,
    url,
    services,
    secrets: secretsOf(pool),
    calls,
    get: (path) => fetch(url + path, { headers }),
    post: (path, body) =>
      fetch(url + path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      }),
    close: async () => {
      await app.close()
      const broken = promised.broken()
      if (broken.length) throw new Error(`Answers were not as promised:\n${broken.join('\n')}`)
    },
  }
}

/** The services as the ledger alone can give them: actions write the same rows the assembled hub writes. */
function ledgerServices(pool: pg.Pool, calls: TestHub['calls']): HubServices {
  const inbox = new InboxWriter(pool)
  const secrets = secretsOf(pool)
  const tally = new WebhookTally()
  const setState = (table: 'connection' | 'sync', state: string) => async (name: string, actor: unknown) => {
    calls.push([`${table} ${state}`, name, actor])
    await pool.query(`update ${table} set state = $2, state_since = now() where name = $1`, [name, state])
  }
  return {
    entities: entityServices({
      pool,
      types: () => [],
      model: () => {
        throw new Error('no streams without files')
      },
      recorded: recordedIn(pool),
    }),
    alerts: {
      routes: () => [
        { name: 'ops', kind: 'webhook', tell: ['problem'], severity: 'error', syncs: [], connections: ['crm'] },
      ],
      test: async (route, actor) => void calls.push(['testAlertRoute', route, actor]),
      snooze: async (scope, until, actor) => void calls.push(['snoozeAlerts', scope, until, actor]),
      wake: async (scope, actor) => void calls.push(['wakeAlerts', scope, actor]),
    },
    bulk: bulkServices(pool, (name) => {
      throw new CausewayError('CSW-1007', { what: `there is no sync "${name}"` })
    }),
    requestKeys: new RequestKeyBook(pool, secrets),
    readQueueBoard: async () => undefined,
    settings: () => [
      { name: 'journal_days', value: '30', from: 'default', where: null, description: 'Days of the journal.' },
      { name: 'database_url', value: '[secret]', from: 'variable', where: 'DATABASE_URL', description: 'The ledger.' },
    ],
    support: { files: async () => [{ name: 'process.json', text: '{}' }] },
    secrets: {
      ...storedSecrets({
        secrets,
        holders: () =>
          new Map([
            [
              'alerts.ops',
              [
                {
                  connection: 'alerts.ops',
                  field: 'signing_key',
                  kind: 'store',
                  name: 'ops-key',
                  place: { file: 'causeway.yaml' },
                },
              ],
            ],
          ]),
        recorded: recordedIn(pool),
      }),
      keys: async () => ({ from: 'file', keys: [{ id: 'k1', current: true, present: true, secrets: 2 }] }),
      rotate: async (actor) => {
        calls.push(['rotateSecrets', actor])
        return { from: 'file', key: 'k2', former: ['k1'], resealed: 2, added: true }
      },
    },
    readiness: async () => [{ name: 'database', ok: true }],
    runSync: async (name, request) => {
      calls.push(['runSync', name, request])
      return { requestId: 'request-1' }
    },
    pauseSync: setState('sync', 'paused'),
    resumeSync: setState('sync', 'active'),
    pauseConnection: setState('connection', 'paused'),
    resumeConnection: setState('connection', 'active'),
    resolveConflicts: async (ids, said, actor) => {
      const { decided } = await decideConflicts(pool, ids, { ...said, actor: actor.name, note: actor.reason })
      return { decided }
    },
    writeAnalyticsFiles: async (target) => `exports/${target}`,
    acceptDrift: async (id, actor) => {
      if (!(await acceptDrift(pool, id, actor.name)))
        throw new CausewayError('CSW-8008', { what: `Drift ${id} is not open.` })
    },
    decideHold: async (runId, approved, actor) => {
      const hold = await decideHold(pool, runId, { approved, actor: actor.name, note: actor.reason })
      if (!hold) throw new CausewayError('CSW-8008', { what: 'nothing held' })
      return { records: hold.records }
    },
    requeueDeadLetters: async (ids, actor) => {
      await requeueDeadLetters(pool, ids, actor.name)
      return { requeued: ids.length }
    },
    correctDeadLetter: async (id, input, actor) => {
      await correctRecord(pool, { letterId: id, body: input.toString(), actor: actor.name })
      return { requeued: 1 }
    },
    assignDeadLetter: (id, to) => assignDeadLetter(pool, id, to),
    async replayEvents({ ids, limit }) {
      const { replayed, notKept } = await replayEvents(pool, { ids }, 0, limit)
      return { replayed, notKept }
    },
    erase: async ({ field, value }, actor) => {
      const keys = await ErasureKeys.open(pool, secrets, { make: true })
      return erase(pool, keys, { field, value, actor: actor.name })
    },
    discardDeadLetters: async (ids, actor) => ({
      discarded: await discardDeadLetters(pool, ids, actor.name, actor.reason ?? ''),
    }),
    undoRun: async (run, options, actor) => {
      calls.push(['undoRun', run, options, actor.reason])
      const fields = [{ field: 'phone', wrote: '+48 22', before: '+48 11' }]
      return {
        run,
        sync: 'contacts',
        runs: [],
        restored: 1,
        removed: options.creations ? 1 : 0,
        states: {},
        changes: [
          { record: '7', part: '', target: 'C-7', action: 'restore' as const, fields },
          ...(options.creations
            ? [{ record: '9', part: '', target: 'C-9', action: 'delete' as const, fields: [] }]
            : []),
        ],
        left: [{ record: '8', part: '', target: 'C-8', reason: 'it was changed since', fields: ['name'] }],
      }
    },
    verifySync: async (name, request) => {
      calls.push(['verifySync', name, request])
      const field = { field: 'phone', before: '+48 11', after: '+48 22' }
      const change = {
        record: '7',
        part: '',
        seq: 3,
        target: 'C-7',
        matched: 'link' as const,
        error: null,
        fingerprint: 'f',
      }
      return {
        sync: name,
        version: 'v',
        basis: 'target' as const,
        records: 2,
        findings: { equal: 1, diverged: 1 },
        fields: [
          {
            field: 'phone',
            stale: 0,
            diverged: 1,
            waiting: 0,
            unseen: 0,
            samples: [{ record: '7', target: 'C-7', source: '+48 22', there: '+48 11' }],
          },
        ],
        extra: request.extra ? { read: 3, extra: 1, samples: ['C-9'] } : null,
        reads: 1,
        truncated: false,
        changes: [{ ...change, action: 'update', fields: [field] }],
      }
    },
    planSync: async (name, request) => {
      calls.push(['planSync', name, request])
      const field = { field: 'phone', before: null, after: '+48 22' }
      const change = { record: '7', part: '', seq: 3, target: 'C-7', matched: ['email'], error: null, fingerprint: 'f' }
      return {
        sync: name,
        version: 'v',
        records: 1,
        actions: { update: 1 },
        reads: 0,
        truncated: false,
        changes: [{ ...change, action: 'update', fields: [field] }],
      }
    },
    applyPlan: async (name, request, actor) => {
      calls.push(['applyPlan', name, request, actor])
      const moved = request.version === 'v' ? [] : [{ record: '7', part: '', reason: 'the mapping has changed' }]
      return { sync: name, runs: moved.length ? [] : [1], states: moved.length ? {} : { delivered: 1 }, moved }
    },
    applyConfiguration: async (request, actor) => {
      calls.push(['applyConfiguration', request, actor])
      return { applied: [] }
    },
    planRollBack: async (version, records) => {
      calls.push(['planRollBack', version, records])
      const change = { kind: 'sync' as const, name: 'contacts-to-erp', change: 'changed' as const }
      return {
        configuration: [
          { ...change, fields: [{ field: 'mapping', before: 'b', after: 'a' }], patch: '@@ -1,1 +1,1 @@\n-b\n+a' },
        ],
        basis: [{ kind: change.kind, name: change.name, before: 'b', after: 'a' }],
        rollBack: {
          version,
          inForce: version + 1,
          files: [{ path: 'mappings/contacts-to-erp.yaml', before: 'b' }],
          changes: [{ path: 'mappings/contacts-to-erp.yaml', change: 'changed' }],
        },
      }
    },
    compareMapping: async (name, request) => {
      calls.push(['compareMapping', name, request])
      const fields = [{ field: 'email', count: 2, samples: [] }]
      const outcomes = { 'mapped → filtered': 1 }
      return { records: 9, same: 6, changed: 3, outcomes, fields, notKept: 1, truncated: true }
    },
    saveTest: async (name, request) => {
      calls.push(['saveTest', name, request])
      const test = `- name: saved\n  given:\n    id: "1"\n    body: { email: x@example.org }\n  expect: { filtered: true }\n`
      return { sync: name, file: 'mappings/contacts.yaml', name: 'saved', test, outcome: 'mapped', tested: 'filtered' }
    },
    tryMapping: async (name, request) => {
      calls.push(['tryMapping', name, request])
      const place = { file: 'mappings/contacts.yaml', line: 4, column: 3 }
      return {
        file: place.file,
        findings: [{ severity: 'warning', code: 'CSW-4001', message: 'said twice', fix: 'Say it once.', place }],
        outcome: 'mapped',
        parts: [{ part: '', values: '{"phone":"+48 22"}' }],
        input: '{"phone":"22"}',
        joins: null,
        error: null,
        origins: [{ field: 'phone', expression: 'phone', place, reads: [{ path: 'phone', value: '22' }] }],
        tests: [{ name: 'it works', ok: true, place, message: null }],
      }
    },
    completeMapping: async () => [{ label: 'email', kind: 'field', detail: 'string' }],
    explainTarget: async () => undefined,
    orderWebhookAgain: async (id) => {
      await pool.query('update webhook_subscription set next_at = null, sent_at = null where id = $1', [id])
    },
    acceptWebhook: (request) => acceptSigned(pool, inbox, tally, request),
    webhookIntake: () => tally.list(),
    connectors: () => [
      {
        name: 'demo-crm',
        title: 'Demo CRM',
        description: null,
        version: '1',
        protocol: 'rest',
        settings: { type: 'object', properties: { base_url: { type: 'string' } } },
        streams: [
          {
            name: 'contacts',
            title: 'Contacts',
            abilities: {
              read: true,
              incremental: true,
              deletions: 'tombstones',
              create: true,
              update: true,
              upsert: false,
              upsertBy: [],
              delete: true,
              lookup: ['email'],
              partialUpdate: true,
              content: false,
              webhook: true,
            },
          },
        ],
      },
    ],
    connections: () => [{ name: 'crm', connector: 'demo-crm', file: 'causeway.yaml', settings: { api_key: '***' } }],
    syncs: () => [],
    schedules: () => [
      {
        schedule: 'sync:contacts',
        sync: 'contacts',
        stream: 'crm:contacts',
        kind: 'interval',
        expression: 'every 15m',
        zone: null,
        full: false,
        next: [new Date('2026-01-01T00:15:00Z')],
      },
    ],
    beginLogin: async (_name, redirectUri) => ({
      url: `https://login.example.com/?redirect_uri=${redirectUri}`,
      pending: { state: 's', verifier: 'v', redirectUri },
    }),
    finishLogin: async () => {},
    probe: async () => [
      { step: 'dns', ok: true, detail: 'resolved' },
      { step: 'auth', ok: false, detail: '401', error: new CausewayError('CSW-3003', { what: 'refused' }) },
    ],
  }
}

/** The signature check stands in for a connector's; what follows is the real inbox. */
async function acceptSigned(pool: pg.Pool, inbox: InboxWriter, tally: WebhookTally, request: WebhookRequest) {
  if (request.query.challenge)
    return {
      status: 'handshake' as const,
      code: 200,
      headers: { 'content-type': 'text/plain' },
      body: request.query.challenge,
    }
  if (request.headers['x-signature'] !== 'valid') {
    const error = new CausewayError('CSW-2010', { what: 'the signature is not the one of the body' })
    tally.note(request.connection, { kind: 'refused', error }, new Date())
    return { status: 'refused' as const }
  }
  const { rows } = await pool.query<{ id: number }>('select id from connection where name = $1', [request.connection])
  if (!rows[0]) return { status: 'refused' as const }
  const [outcome] = await inbox.add([
    {
      connectionId: rows[0].id,
      stream: request.stream,
      eventId: request.headers['x-event-id'] ?? '',
      headers: request.headers,
      body: request.body,
    },
  ])
  const duplicates = outcome === 'stored' ? 0 : 1
  tally.note(request.connection, { kind: 'stored', events: 1, duplicates }, new Date())
  return { status: 'accepted' as const, events: 1 - duplicates, duplicates }
}
