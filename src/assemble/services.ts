import { shownSetting } from '../config/index.ts'
import type { CodeLogin, ConnectorSession } from '../connector/index.ts'
import { asCausewayError, CausewayError, withUrgency } from '../core/index.ts'
import type { Actor, ConnectionDefinition, HubServices, ReadinessCheck } from '../http/index.ts'
import { applyPlan, requestSync, undoRun } from '../pipeline/index.ts'
import type { WorkQueue } from '../queue/index.ts'
import { appendAudit, makeFilesDue, migrationStatus, RequestKeyBook, type Store } from '../store/index.ts'
import { alertServices } from './alert-services.ts'
import { bulkServices, wakeSyncs } from './bulk-actions.ts'
import { entityServices } from './entities.ts'
import { explainTarget } from './explaining.ts'
import type { HubFiles } from './hub-files.ts'
import { compare, plan, saveTest, verify } from './planning.ts'
import { planRollBack } from './planning-back.ts'
import { completeMapping, tryMapping } from './playground.ts'
import { secretServices } from './secrets.ts'
import type { ServiceParts } from './service-parts.ts'
import { describeSettings } from './settings.ts'
import { secretHolders, storedSecrets } from './stored-secrets.ts'
import { supportFiles } from './support.ts'
import { describeTimetable } from './timetable.ts'
import { WebhookTally } from './webhook-tally.ts'
import { acceptWebhook } from './webhooks.ts'

/** What the HTTP room may ask of the running hub. Every deed of a person leaves a row in the audit log. */
export function createServices(parts: ServiceParts): HubServices {
  const { pool, ports, queue } = parts
  const tally = new WebhookTally()
  const audit = (actor: Actor, action: string, subject: string, detail: Record<string, unknown> = {}) =>
    appendAudit(pool, {
      actor: actor.name,
      action,
      subject,
      detail: { ...detail, ...(actor.reason ? { reason: actor.reason } : {}) },
    })
  const syncId = (name: string): number => known(ports.model().syncByName(name)?.row.id, 'sync', name)
  /** A two-way sync is one to people: what is done to it is done to both directions. */
  const bothWays = (name: string): number[] => {
    const partner = ports.model().syncByName(name)?.definition.twoWay?.partner
    return [syncId(name), ...(partner === undefined ? [] : [syncId(partner)])]
  }
  const connectionId = (name: string): number => known(ports.model().connectionId(name), 'connection', name)

  return {
    readiness: () => readiness(pool, queue),
    readQueueBoard: (path, query) => queue.readBoard(path, query),
    async runSync(name, { full, actor, ...named }) {
      const requestId = await requestSync(ports, name, { full, byHand: true, ...named })
      await audit(actor, 'sync.run', `sync:${name}`, { full, requestId })
      return { requestId }
    },
    async pauseSync(name, actor) {
      for (const id of bothWays(name))
        await ports.ledger.setSyncState(id, 'paused', actor.reason ?? `paused by ${actor.name}`)
      await audit(actor, 'sync.pause', `sync:${name}`)
    },
    async resumeSync(name, actor) {
      for (const id of bothWays(name)) await ports.ledger.setSyncState(id, 'active', null)
      await audit(actor, 'sync.resume', `sync:${name}`)
      await wakeSyncs(ports, bothWays(name))
    },
    async pauseConnection(name, actor) {
      await ports.ledger.setConnectionState(connectionId(name), 'paused', actor.reason ?? `paused by ${actor.name}`)
      await audit(actor, 'connection.pause', `connection:${name}`)
    },
    async resumeConnection(name, actor) {
      await ports.ledger.setConnectionState(connectionId(name), 'active', null)
      await audit(actor, 'connection.resume', `connection:${name}`)
      const touched = ports
        .model()
        .syncs()
        .filter(({ definition }) => definition.to.connection === name)
      await wakeSyncs(
        ports,
        touched.map(({ row }) => row.id),
      )
    },
    async decideHold(runId, approved, actor) {
      const hold = await ports.ledger.decideHold(runId, { approved, actor: actor.name, note: actor.reason })
      if (!hold) throw new CausewayError('CSW-8008', { what: `Run ${runId} holds nothing that is still open.` })
      const { kind, records } = hold
      await audit(actor, approved ? 'hold.approve' : 'hold.reject', `run:${runId}`, { kind, records })
      if (approved && kind === 'scan') await queue.wake('pull', String(hold.streamId))
      if (hold.syncId !== null) await wakeSyncs(ports, [hold.syncId])
      return { records }
    },
    async resolveConflicts(ids, said, actor) {
      const { decided, syncs } = await ports.ledger.decideConflicts(ids, {
        ...said,
        actor: actor.name,
        note: actor.reason,
      })
      await audit(actor, 'conflicts.resolve', 'conflicts', {
        ids: ids.slice(0, 100),
        asked: ids.length,
        decided,
        decision: said.decision,
      })
      await wakeSyncs(ports, syncs)
      return { decided }
    },
    async writeAnalyticsFiles(name, actor) {
      const target = parts.files().config.analytics.find((one) => one.name === name && one.files)
      if (!target?.files)
        throw new CausewayError('CSW-1007', { what: `There is no analytics target "${name}" with files.` })
      await makeFilesDue(pool, name)
      await audit(actor, 'analytics.write', `analytics:${name}`)
      return target.files.folder
    },
    async acceptDrift(id, actor) {
      const accepted = await ports.ledger.acceptDrift(id, actor.name)
      if (!accepted) throw new CausewayError('CSW-8008', { what: `Drift ${id} is not open.` })
      await audit(actor, 'drift.accept', `drift:${id}`)
      await wakeSyncs(ports, accepted.syncs)
    },
    async requeueDeadLetters(ids, actor) {
      const { requeued, syncs, connections } = await ports.ledger.requeueDeadLetters(ids, actor.name)
      await audit(actor, 'dead_letters.requeue', 'dead_letters', {
        ids: ids.slice(0, 100),
        asked: ids.length,
        requeued,
      })
      await wakeSyncs(ports, syncs)
      if (connections.length) await queue.wakeMany('inbox', connections.map(String))
      return { requeued }
    },
    async correctDeadLetter(id, input, actor) {
      const result = await ports.ledger.correctRecord({ letterId: id, body: input.toString(), actor: actor.name })
      if (result === 'not-open') throw new CausewayError('CSW-8008', { what: `Dead letter ${id} is not open.` })
      if (result === 'moved-on')
        throw new CausewayError('CSW-5013', {
          what: `The record of dead letter ${id} has changed in the source since.`,
        })
      const { requeued, syncs } = await ports.ledger.requeueDeadLetters([id], actor.name)
      // What was corrected is in the ledger; the trail says that it was, not what.
      await audit(actor, 'dead_letter.correct', `dead_letter:${id}`, { fields: Object.keys(input.value) })
      await wakeSyncs(ports, syncs)
      return { requeued }
    },
    async assignDeadLetter(id, to, actor) {
      await ports.ledger.assignDeadLetter(id, to)
      await audit(actor, 'dead_letter.assign', `dead_letter:${id}`, { assignee: to.assignee })
    },
    async replayEvents({ ids, limit }, sync, actor) {
      const to = sync === null ? 0 : syncId(sync)
      const { replayed, notKept, connections } = await ports.ledger.replayEvents({ ids }, to, limit)
      if (notKept && !replayed)
        throw new CausewayError('CSW-5018', { what: `the bytes of these ${notKept} events are not kept` })
      await audit(actor, 'events.replay', 'events', { replayed, sync })
      if (connections.length) await queue.wakeMany('inbox', connections.map(String))
      return { replayed, notKept }
    },
    async erase({ field, value }, actor) {
      const { hash, ...counts } = await parts.erasures.erase({ field, value, actor: actor.name })
      await audit(actor, 'person.erase', `field:${field}`, { ...counts, hash })
      return counts
    },
    async discardDeadLetters(ids, actor) {
      const discarded = await ports.ledger.discardDeadLetters(ids, actor.name, actor.reason ?? '')
      await audit(actor, 'dead_letters.discard', 'dead_letters', {
        ids: ids.slice(0, 100),
        asked: ids.length,
        discarded,
      })
      return { discarded }
    },
    planSync: (name, request, signal) => plan(ports, name, request, signal),
    verifySync: (name, request, signal) => verify(ports, name, request, signal),
    async applyPlan(name, request, actor, signal) {
      const applied = await applyPlan(ports, syncId(name), { ...request, signal })
      const { runs, states, moved } = applied
      await audit(actor, 'plan.apply', `sync:${name}`, { runs, states, moved: moved.length })
      return applied
    },
    async undoRun(runId, { plan, creations }, actor, signal) {
      const undone = await undoRun(ports, runId, { plan, creations, signal })
      const { sync, runs, restored, removed, left } = undone
      if (!plan) await audit(actor, 'run.undo', `run:${runId}`, { sync, runs, restored, removed, left: left.length })
      return undone
    },
    async applyConfiguration(request, actor) {
      const done = await parts.adoption.apply(request, { actor: actor.name, reason: actor.reason })
      await audit(actor, 'configuration.apply', 'configuration', done)
      return done
    },
    planRollBack: (version, records, signal) => planRollBack(parts, version, records, signal),
    compareMapping: (name, request, signal) => compare(ports, name, request, signal),
    saveTest: (name, request, signal) => saveTest({ ...ports, mappings: parts.mappings }, name, request, signal),
    tryMapping: (name, request, signal) => tryMapping(parts, name, request, signal),
    completeMapping: (name, request) => completeMapping(parts, name, request),
    explainTarget: (target) => explainTarget(pool, target),
    async orderWebhookAgain(id, actor) {
      if (!(await parts.book.tryAgain(id)))
        throw new CausewayError('CSW-1007', { what: `There is no webhook subscription ${id}.` })
      await audit(actor, 'webhook.order_again', `subscription:${id}`)
    },
    acceptWebhook: (request) => acceptWebhook(parts, tally, request),
    webhookIntake: () => tally.list(),
    alerts: alertServices({ pool, files: parts.files, channel: parts.alertChannel, clock: parts.clock, audit }),
    bulk: bulkServices(pool, syncId),
    requestKeys: new RequestKeyBook(pool, parts.secrets),
    support: {
      files: () => supportFiles({ pool, files: parts.files, log: parts.log, backend: queue.backend }),
    },
    secrets: secretServices({
      pool,
      keys: parts.keys,
      erasures: parts.erasures,
      stored: storedSecrets({ secrets: parts.secrets, holders: () => secretHolders(parts.files().config), audit }),
      audit,
    }),
    entities: entityServices({ pool, audit, model: () => ports.model(), types: () => parts.files().entities }),
    connectors: () =>
      parts
        .allConnectors()
        .list()
        .map((connector) => connector.describe()),
    settings: () => describeSettings(parts.files().config),
    connections: () => describeConnections(parts.files()),
    syncs: () => parts.files().syncs,
    schedules: (count) => describeTimetable(parts.files(), count, parts.clock.now()),
    probe: async (connection, signal) =>
      withUrgency('interactive', async () => (await ports.session(connection)).probe(signal)),
    beginLogin: async (connection, redirectUri) =>
      loginOf(await ports.session(connection), connection).begin(redirectUri),
    async finishLogin(connection, { pending, parameters }, actor) {
      await loginOf(await ports.session(connection), connection).finish(pending, parameters)
      await ports.ledger.setConnectionState(connectionId(connection), 'active', null)
      await audit(actor, 'connection.login', `connection:${connection}`)
    },
  }
}

function loginOf(session: ConnectorSession, connection: string): CodeLogin {
  if (session.login) return session.login()
  throw new CausewayError('CSW-2003', { what: `The credentials of ${connection} need no login by a person.` })
}

function known<T>(value: T | undefined, kind: string, name: string): T {
  if (value === undefined) throw new CausewayError('CSW-1007', { what: `there is no ${kind} "${name}"` })
  return value
}

async function readiness(pool: Store['pool'], queue: WorkQueue): Promise<ReadinessCheck[]> {
  const checks: Record<string, () => Promise<unknown>> = {
    database: () => pool.query('select 1'),
    // A newer ledger is none of its business: processes of the former version go on beside the new ones.
    migrations: async () => (await migrationStatus(pool)).pending.length === 0,
    queue: () => queue.ping(),
  }
  return Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<ReadinessCheck> => {
      try {
        const answer = await withinMs(check(), 2_000)
        return { name, ok: answer !== false }
      } catch (thrown) {
        const error = asCausewayError(thrown)
        return { name, ok: false, detail: error.message, code: error.code }
      }
    }),
  )
}

function withinMs<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new CausewayError('CSW-6001', { what: `no answer within ${ms} ms` })), ms)
    timer.unref()
  })
  return Promise.race([work, late])
}

/** Settings as the file gives them, without what is secret in them; references to secrets are not shown at all. */
export function describeConnections({
  config,
  catalogue,
}: Pick<HubFiles, 'config' | 'catalogue'>): ConnectionDefinition[] {
  return [...config.connections.values()].map(({ name, connector, file, settings }) => {
    const secrets = catalogue.has(connector) ? catalogue.get(connector).secrets : []
    const shown = Object.entries(settings).map(
      ([field, value]) => [field, shownSetting(field, value, secrets)] as const,
    )
    return { name, connector, file, settings: Object.fromEntries(shown) }
  })
}
