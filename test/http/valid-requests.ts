/** One request for each operation of the API that is carried out, and what has to be there for it. */
import type pg from 'pg'
import { breakGlass, createAccess } from '../../src/access/index.ts'
import { CausewayError, newId } from '../../src/core/index.ts'
import type { HubServices } from '../../src/http/index.ts'
import { acquireLease } from '../../src/store/leases.ts'
import type { TestHub } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, type Seeded } from './rows.ts'

export type Asked = { params?: string[]; query?: string; body?: object; headers?: Record<string, string> }
type Table = Record<string, Asked | (() => Promise<Asked>)>

export const NOBODY = 'nobody-knows'
const PASSWORD = 'correct horse battery staple'
const REASON = { reason: 'a test' }

const inserted = async (pool: pg.Pool, sql: string, values: unknown[] = []): Promise<string> =>
  String((await pool.query<{ id: number }>(`${sql} returning id`, values)).rows[0]!.id)

/** Rows that some operation shows. */
export async function fill(hub: TestHub, ids: Seeded): Promise<void> {
  const { pool } = hub
  await addRecord(pool, ids.contacts, 'c1', '{"email":"ada@example.org"}', { email: 'ada@example.org' })
  await addDelivery(pool, ids.sync, 'c1', 'delivered', { delivered: '{}' })
  await addDeadLetter(pool, ids.sync, 'c2', 'CSW-3008', 'seen', { input: '{}' })
  await addRun(pool, { kind: 'push', syncId: ids.sync, requestId: 'request-1' })
  await pool.query(
    `insert into mapping_version (version, sync, source) values ('v1', 'contacts-to-erp', 'from: crm:contacts');
     insert into configuration_version (digest, how, actor, host, changes) values ('d', 'start', 'ada', 'h', '{"files":[],"items":[]}');
     insert into configuration_file (digest, content) values ('f', 'x');
     insert into configuration_version_file (version_id, path, digest, masked) select id, 'causeway.yaml', 'f', false from configuration_version`,
  )
}

/** What the services of the test hub do not look at: whether there is such a thing. */
export function knowing({ alerts, ...services }: HubServices): Partial<HubServices> {
  const known = (name: string | number): void => {
    if (name === NOBODY || name === 999_999_999) throw new CausewayError('CSW-1007', { what: `there is no ${name}` })
  }
  const among =
    <N extends string | number, A extends unknown[], R>(act: (name: N, ...asked: A) => Promise<R>) =>
    async (name: N, ...asked: A): Promise<R> => {
      known(name)
      return act(name, ...asked)
    }
  const picture = { entity: 'person', id: 1, fields: {}, records: [] }
  const noBody = (record: string | undefined): void => {
    if (record === 'shrunk') throw new CausewayError('CSW-8008', { what: 'its body is not kept' })
  }
  return {
    alerts: { ...alerts, test: among(alerts.test) },
    entities: {
      types: () => [],
      search: among(async () => [picture]),
      show: among(async (_entity: string, id: number) =>
        id === 999_999_999 ? null : { ...picture, timeline: [], deliveries: [], history: [] },
      ),
      reviews: async () => [],
      decide: among(async () => ({ entity: 'person', id: 1 })),
      merge: among(async () => ({ records: 1 })),
      split: among(async () => ({ id: 2 })),
      import: among(async () => ({ linked: 1, known: 0, refused: [] })),
    },
    planSync: among(services.planSync),
    verifySync: among(services.verifySync),
    applyPlan: among(services.applyPlan),
    compareMapping: among(services.compareMapping),
    completeMapping: among(services.completeMapping),
    undoRun: among(services.undoRun),
    explainTarget: async ({ stream, id }) => (id === NOBODY ? undefined : { stream, id, entity: '1', deliveries: [] }),
    writeAnalyticsFiles: among(services.writeAnalyticsFiles),
    tryMapping: among(async (name: string, request, signal) => {
      noBody(request.input && 'record' in request.input ? request.input.record : undefined)
      return services.tryMapping(name, request, signal)
    }) as HubServices['tryMapping'],
    saveTest: among(async (name: string, request, signal) => {
      noBody('record' in request.input ? request.input.record : undefined)
      return services.saveTest(name, request, signal)
    }) as HubServices['saveTest'],
    acceptWebhook: async (request) => {
      const says = request.headers['x-says']
      if (says === 'failed') throw new CausewayError('CSW-6001', { what: 'the connection was lost' })
      if (says === 'nothing') return { status: 'accepted', events: 0, duplicates: 0 }
      if (says === 'handshake') return { status: 'handshake', code: 200, headers: {}, body: 'challenge' }
      return says === 'event' ? { status: 'accepted', events: 1, duplicates: 0 } : { status: 'refused' }
    },
  }
}

/** By operation. Functions make anew what their request uses up. */
export function validRequests(hub: TestHub, ids: Seeded): Table {
  const { pool } = hub
  const letter = () => addDeadLetter(pool, ids.sync, newId(), 'CSW-3008', newId(), { input: '{}' })
  const ofLetter = (body: object) => async (): Promise<Asked> => ({ params: [String(await letter())], body })
  const held = async (): Promise<string> => {
    const run = await addRun(pool, { kind: 'pull', streamId: ids.contacts, outcome: 'held' })
    await pool.query(`update hold set state = 'superseded' where state = 'open'`)
    await pool.query(
      `insert into hold (kind, stream_id, run_id, reason, seq, records, live) values ('scan', $1, $2, 'many', 1, 1, 2)`,
      [ids.contacts, run],
    )
    return String(run)
  }
  const drift = () => inserted(pool, `insert into drift (stream_id, changes) values ($1, '[]')`, [ids.contacts])
  const conflict = async (): Promise<Asked> => {
    const id = await inserted(
      pool,
      `insert into conflict (sync_id, from_id, to_id, field, side, from_value, to_value) values ($1, $2, 'e1', 'phone', 'to', '1', '2')`,
      [ids.sync, newId()],
    )
    return { body: { ids: [Number(id)], choose: 'from' } }
  }
  const event = () =>
    inserted(
      pool,
      `insert into inbox (connection_id, event_id, headers, body, state) values ($1, $2, '{}', 'x', 'done')`,
      [ids.crm, newId()],
    )
  const subscription = async () => {
    await pool.query('delete from webhook_subscription')
    return inserted(
      pool,
      `insert into webhook_subscription (connection_id, url, events) values ($1, 'https://hub.test', '[]')`,
      [ids.crm],
    )
  }
  const token = async (): Promise<string> => {
    const wish = { name: newId(), role: 'viewer', scopes: null, expiresAt: null } as const
    return String((await createAccess(pool).tokens.create(wish, breakGlass())).id)
  }
  const user = async (): Promise<string> => {
    const name = `u-${newId()}`
    await createAccess(pool).users.add({ name, role: 'viewer', password: PASSWORD }, breakGlass())
    return name
  }
  const ofUser = (body: object) => async (): Promise<Asked> => ({ params: [await user()], body })
  /** What a preview of it counted, to be confirmed. */
  const counted = async (path: string, filter: object, more: object = {}): Promise<Asked> => {
    const answer = (await (await hub.post(`/api/v1/${path}/preview`, { filter })).json()) as { token: string }
    return { body: { filter, token: answer.token, ...more } }
  }
  const letters = (more: object) => async (): Promise<Asked> => {
    const fingerprint = newId()
    await addDeadLetter(pool, ids.sync, newId(), 'CSW-3008', fingerprint)
    return counted('dead-letters', { fingerprint }, more)
  }
  /** Somebody else is at it, and will not end it. */
  const running = async (): Promise<string> => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<{ id: number }>(
        `insert into bulk_action (kind, filter, actor, total) values ('dead_letters.requeue', '{}', 'ada', 1) returning id`,
      )
      await acquireLease(pool, `bulk:${rows[0]!.id}`, { holder: 'somebody' })
      await client.query('commit')
      return String(rows[0]!.id)
    } finally {
      client.release()
    }
  }
  const stored = async (): Promise<Asked> => {
    await hub.services.secrets.store('crm', 'api-key', 'x', { name: 'ada', reason: null })
    return { params: ['crm', 'api-key'] }
  }
  const sync = { params: ['contacts-to-erp'] }
  const crm = { params: ['crm'] }
  const version = { params: ['1'] }
  const pair = { stream: 'crm:contacts', id: 'c1' }
  const person = { params: ['person', '1'] }
  const change = { record: '7', part: '', seq: 3, target: 'C-7', action: 'update', fingerprint: 'f' }
  const login = { url: 'x', pending: { state: 's', verifier: 'v', redirectUri: 'http://127.0.0.1/back' } }
  return {
    showActivity: {},
    listAlerts: {},
    listAlertMessages: {},
    testAlertRoute: { params: ['ops'], body: REASON },
    snoozeAlerts: { body: { route: 'ops', until: '2027-01-01T00:00:00Z' } },
    wakeAlerts: { body: { route: 'ops' } },
    listAnalyticsTables: {},
    writeAnalyticsFiles: { params: ['bi'], body: REASON },
    listAudit: {},
    verifyAudit: {},
    listBulkActions: {},
    showBulkAction: async () => ({ params: [await running()] }),
    abortBulkAction: async () => ({ params: [await running()], body: REASON }),
    showConfiguration: {},
    applyConfiguration: { body: { basis: [] } },
    listConfigurationVersions: {},
    showConfigurationVersion: version,
    compareConfigurationVersions: version,
    showConfigurationFile: { ...version, query: 'path=causeway.yaml' },
    planRollBack: version,
    listConflicts: {},
    previewConflicts: { body: { filter: {} } },
    resolveConflicts: conflict,
    resolveAllConflicts: async () => {
      await conflict()
      return counted('conflicts', {}, { choose: 'from' })
    },
    listConnections: {},
    showConnection: crm,
    listConnectionHours: crm,
    listLimitUse: crm,
    beginConnectionLogin: { ...crm, body: { redirectUri: 'http://127.0.0.1/back' } },
    finishConnectionLogin: { ...crm, body: { pending: login.pending, parameters: { code: 'x' } } },
    pauseConnection: { ...crm, body: REASON },
    resumeConnection: { ...crm, body: REASON },
    testConnection: { ...crm, body: REASON },
    listSecrets: {},
    listStoredSecrets: crm,
    forgetSecret: async () => ({ ...(await stored()), body: REASON }),
    storeSecret: { params: ['crm', 'api-key'], body: { value: 'x' } },
    listConnectors: {},
    showConnector: { params: ['demo-crm'] },
    listDeadLetters: {},
    previewDeadLetters: { body: { filter: {} } },
    discardDeadLetters: letters(REASON),
    requeueDeadLetters: letters(REASON),
    showDeadLetter: async () => ({ params: [String(await letter())] }),
    assignDeadLetter: ofLetter({ assignee: 'ada' }),
    correctDeadLetter: async () => {
      const record = newId()
      await addRecord(pool, ids.contacts, record, '{}')
      await addDelivery(pool, ids.sync, record, 'dead')
      return { params: [String(await addDeadLetter(pool, ids.sync, record, 'CSW-3008', record))], body: { text: '{}' } }
    },
    discardDeadLetter: ofLetter(REASON),
    requeueDeadLetter: ofLetter(REASON),
    listDrifts: {},
    acceptDrift: async () => ({ params: [await drift()], body: REASON }),
    listEntityTypes: {},
    searchEntities: { params: ['person'], query: 'q=ada' },
    importEntityLinks: { params: ['person'], body: { pairs: [{ left: pair, right: pair }] } },
    showEntity: person,
    mergeEntities: { ...person, body: { from: 2 } },
    splitEntity: { ...person, body: { records: [pair] } },
    listEntityReviews: {},
    confirmEntityReview: { params: ['1'], body: REASON },
    rejectEntityReview: { params: ['1'], body: REASON },
    erase: { body: { field: 'email', value: 'nobody@example.org' } },
    listEvents: {},
    previewEvents: { body: { filter: {} } },
    replayEvents: async () => ({ body: { ids: [Number(await event())] } }),
    replayAllEvents: async () => {
      await event()
      return counted('events', {})
    },
    explainTarget: { query: 'stream=erp:customers&id=C-7' },
    followFeed: {},
    listHours: {},
    login: async () => ({ body: { name: await user(), password: PASSWORD } }),
    listLoginMethods: {},
    beginLogin: {},
    finishLogin: {},
    logout: {},
    showMe: {},
    listProblems: {},
    showProblem: { params: ['CSW-3008', 'seen'] },
    listQueues: {},
    showRecord: { query: 'stream=crm:contacts&id=c1' },
    searchRecords: { query: 'key=c1' },
    listRuns: {},
    showRun: version,
    approveRun: async () => ({ params: [await held()], body: REASON }),
    showHold: async () => ({ params: [await held()] }),
    rejectRun: async () => ({ params: [await held()], body: REASON }),
    undoRun: { ...version, body: REASON },
    listSchedules: {},
    showMasterKeys: {},
    rotateSecrets: { body: REASON },
    listSettings: {},
    listStreams: {},
    showStream: { params: ['crm:contacts'] },
    listSubscriptions: {},
    orderSubscriptionAgain: async () => ({ params: [await subscription()], body: REASON }),
    readSupportFiles: {},
    listSyncs: {},
    showSync: sync,
    applyPlan: { ...sync, body: { version: 'v', changes: [change] } },
    compareMapping: { ...sync, body: {} },
    completeMapping: { ...sync, body: { mapping: 'from: ', line: 0, column: 6 } },
    listSyncHours: sync,
    listMappingVersions: sync,
    showMappingVersion: { params: ['contacts-to-erp', 'v1'] },
    listNewestRecords: sync,
    pauseSync: { ...sync, body: REASON },
    planSync: { ...sync, body: {} },
    showRequest: { params: ['contacts-to-erp', 'request-1'] },
    resumeSync: { ...sync, body: REASON },
    runSync: { ...sync, body: REASON },
    saveTest: { ...sync, body: { record: '7' } },
    tryMapping: { ...sync, body: { record: '7' } },
    verifySync: { ...sync, body: {} },
    showSystem: {},
    listTimeline: {},
    listTokens: {},
    createToken: async () => ({ body: { name: newId(), role: 'viewer' } }),
    revokeToken: async () => ({ params: [await token()], body: REASON }),
    listUsers: {},
    addUser: async () => ({ body: { name: `u-${newId()}`, role: 'viewer', password: PASSWORD } }),
    disableUser: ofUser(REASON),
    enableUser: ofUser(REASON),
    setUserPassword: ofUser({ password: PASSWORD }),
    setUserRole: ofUser({ role: 'operator' }),
    showWebhookIntake: {},
    listWorkers: {},
    receiveWebhook: { ...crm, body: {}, headers: { 'x-says': 'event' } },
    answerWebhookHandshake: { ...crm, headers: { 'x-says': 'event' } },
    receiveWebhookOfStream: { params: ['crm', 'contacts'], body: {}, headers: { 'x-says': 'event' } },
    answerWebhookHandshakeOfStream: { params: ['crm', 'contacts'], headers: { 'x-says': 'event' } },
    live: {},
    readMetrics: {},
    ready: {},
  }
}
