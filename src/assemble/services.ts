import { shownSetting } from '../config/index.ts'
import type { CodeLogin, ConnectorSession } from '../connector/index.ts'
import { asCausewayError, CausewayError, withUrgency } from '../core/index.ts'
import type { Actor, ConnectionDefinition, HubServices, ReadinessCheck } from '../http/index.ts'
import { applyPlan, requestSync, undoRun } from '../pipeline/index.ts'
import type { WorkQueue } from '../queue/index.ts'
import { appendAudit, createLedger, makeFilesDue, migrationStatus, RequestKeyBook, type Store } from '../store/index.ts'
import { alertServices } from './alert-services.ts'
import { bulkServices, wakeSyncs } from './bulk-actions.ts'
import { entityServices } from './entities.ts'
import { explainTarget } from './explaining.ts'
import type { HubFiles } from './hub-files.ts'
import { compare, plan, saveTest, verify } from './planning.ts'
import { planRollBack } from './planning-back.ts'
import { completeMapping, tryMapping } from './playground.ts'
import { recordedIn, toldFirst, withReason } from './recorded.ts'
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
  const recorded = recordedIn(pool)
  /** For what no transaction holds, because it reaches a queue or another system. */
  const audit = (actor: Actor, action: string, subject: string, detail: Record<string, unknown> = {}) =>
    appendAudit(pool, { actor: actor.name, action, subject, detail: withReason(detail, actor) })
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
      await recorded(actor, async (session, note) => {
        for (const id of bothWays(name))
          await createLedger(session).setSyncState(id, 'paused', actor.reason ?? `paused by ${actor.name}`)
        note('sync.pause', `sync:${name}`)
      })
    },
    async resumeSync(name, actor) {
      await recorded(actor, async (session, note) => {
        for (const id of bothWays(name)) await createLedger(session).setSyncState(id, 'active', null)
        note('sync.resume', `sync:${name}`)
      })
      await wakeSyncs(ports, bothWays(name))
    },
    async pauseConnection(name, actor) {
      const id = connectionId(name)
      await recorded(actor, async (session, note) => {
        await createLedger(session).setConnectionState(id, 'paused', actor.reason ?? `paused by ${actor.name}`)
        note('connection.pause', `connection:${name}`)
      })
    },
    async resumeConnection(name, actor) {
      const id = connectionId(name)
      await recorded(actor, async (session, note) => {
        await createLedger(session).setConnectionState(id, 'active', null)
        note('connection.resume', `connection:${name}`)
      })
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
      const hold = await recorded(actor, async (session, note) => {
        const decision = { approved, actor: actor.name, note: actor.reason }
        const decided = await createLedger(session).decideHold(runId, decision)
        if (!decided) throw new CausewayError('CSW-8008', { what: `Run ${runId} holds nothing that is still open.` })
        const { kind, records } = decided
        note(approved ? 'hold.approve' : 'hold.reject', `run:${runId}`, { kind, records })
        return decided
      })
      if (approved && hold.kind === 'scan') await queue.wake('pull', String(hold.streamId))
      if (hold.syncId !== null) await wakeSyncs(ports, [hold.syncId])
      return { records: hold.records }
    },
    async resolveConflicts(ids, said, actor) {
      const { decided, syncs } = await recorded(actor, async (session, note) => {
        const decision = { ...said, actor: actor.name, note: actor.reason }
        const done = await createLedger(session).decideConflicts(ids, decision)
        note('conflicts.resolve', 'conflicts', { ...those(ids), decided: done.decided, decision: said.decision })
        return done
      })
      await wakeSyncs(ports, syncs)
      return { decided }
    },
    async writeAnalyticsFiles(name, actor) {
      const target = parts.files().config.analytics.find((one) => one.name === name && one.files)
      if (!target?.files)
        throw new CausewayError('CSW-1007', { what: `There is no analytics target "${name}" with files.` })
      await recorded(actor, async (session, note) => {
        await makeFilesDue(session, name)
        note('analytics.write', `analytics:${name}`)
      })
      return target.files.folder
    },
    async acceptDrift(id, actor) {
      const accepted = await recorded(actor, async (session, note) => {
        const done = await createLedger(session).acceptDrift(id, actor.name)
        if (!done) throw new CausewayError('CSW-8008', { what: `Drift ${id} is not open.` })
        note('drift.accept', `drift:${id}`)
        return done
      })
      await wakeSyncs(ports, accepted.syncs)
    },
    async requeueDeadLetters(ids, actor) {
      const { requeued, syncs, connections } = await recorded(actor, async (session, note) => {
        const done = await createLedger(session).requeueDeadLetters(ids, actor.name)
        note('dead_letters.requeue', 'dead_letters', { ...those(ids), requeued: done.requeued })
        return done
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
      // Without this the correction is only kept, and the letter is open still.
      const { requeued, syncs } = await recorded(actor, async (session, note) => {
        // What was corrected is in the ledger; the trail says that it was, not what.
        note('dead_letter.correct', `dead_letter:${id}`, { fields: Object.keys(input.value) })
        return createLedger(session).requeueDeadLetters([id], actor.name)
      })
      await wakeSyncs(ports, syncs)
      return { requeued }
    },
    async assignDeadLetter(id, to, actor) {
      await recorded(actor, async (session, note) => {
        await createLedger(session).assignDeadLetter(id, to)
        note('dead_letter.assign', `dead_letter:${id}`, { assignee: to.assignee })
      })
    },
    async replayEvents({ ids, limit }, sync, actor) {
      const to = sync === null ? 0 : syncId(sync)
      const { replayed, notKept, connections } = await recorded(actor, async (session, note) => {
        const done = await createLedger(session).replayEvents({ ids }, to, limit)
        if (done.notKept && !done.replayed)
          throw new CausewayError('CSW-5018', { what: `the bytes of these ${done.notKept} events are not kept` })
        note('events.replay', 'events', { replayed: done.replayed, sync })
        return done
      })
      if (connections.length) await queue.wakeMany('inbox', connections.map(String))
      return { replayed, notKept }
    },
    async erase({ field, value }, actor) {
      const { hash, ...counts } = await parts.erasures.erase({ field, value, actor: actor.name })
      await audit(actor, 'person.erase', `field:${field}`, { ...counts, hash })
      return counts
    },
    async discardDeadLetters(ids, actor) {
      return recorded(actor, async (session, note) => {
        const discarded = await createLedger(session).discardDeadLetters(ids, actor.name, actor.reason ?? '')
        note('dead_letters.discard', 'dead_letters', { ...those(ids), discarded })
        return { discarded }
      })
    },
    planSync: (name, request, signal) => plan(ports, name, request, signal),
    verifySync: (name, request, signal) => verify(ports, name, request, signal),
    async applyPlan(name, request, actor, signal) {
      const id = syncId(name)
      return toldFirst(
        (action, detail) => audit(actor, action, `sync:${name}`, detail),
        { action: 'plan.apply', asked: { changes: request.changes.length } },
        () => applyPlan(ports, id, { ...request, signal }),
        ({ runs, states, moved }) => ({ runs, states, moved: moved.length }),
      )
    },
    async undoRun(runId, { plan, creations }, actor, signal) {
      const undo = () => undoRun(ports, runId, { plan, creations, signal })
      if (plan) return undo()
      return toldFirst(
        (action, detail) => audit(actor, action, `run:${runId}`, detail),
        { action: 'run.undo', asked: { creations } },
        undo,
        ({ sync, runs, restored, removed, left }) => ({ sync, runs, restored, removed, left: left.length }),
      )
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
    alerts: alertServices({
      pool,
      files: parts.files,
      channel: parts.alertChannel,
      clock: parts.clock,
      audit,
      recorded,
    }),
    bulk: bulkServices(pool, syncId),
    requestKeys: new RequestKeyBook(pool, parts.secrets),
    support: {
      files: () => supportFiles({ pool, files: parts.files, log: parts.log, backend: queue.backend }),
    },
    secrets: secretServices({
      pool,
      keys: parts.keys,
      erasures: parts.erasures,
      stored: storedSecrets({ secrets: parts.secrets, holders: () => secretHolders(parts.files().config), recorded }),
      audit,
    }),
    entities: entityServices({ pool, recorded, model: () => ports.model(), types: () => parts.files().entities }),
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

/** The first of them: lists in the audit have an end. */
const those = (ids: readonly number[]) => ({ ids: ids.slice(0, 100), asked: ids.length })

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
