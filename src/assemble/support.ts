/**
 * What whoever helps from outside needs to know of a hub, and nothing that is of people or secret. An allow list: each file names the fields
 * that go in, so what is added to a view later stays out until somebody has thought about it. What systems said is left out: it may quote a record.
 */
import { arch, cpus, freemem, platform, release, totalmem } from 'node:os'
import { maskedSettings, type SecretReference } from '../config/index.ts'
import { isObject, isSecretName, type Logger } from '../core/index.ts'
import type { SupportFile } from '../http/index.ts'
import { migrationStatus, type Store } from '../store/index.ts'
import {
  alertRouteStates,
  databaseFacts,
  lastSlots,
  listConnections,
  listDrifts,
  listProblems,
  listQueues,
  listRuns,
  listStreams,
  listSyncs,
  type Verbatim,
} from '../store/views/index.ts'
import type { HubFiles } from './hub-files.ts'

export type SupportParts = { pool: Store['pool']; files(): HubFiles; log: Logger; backend: string }

const MOST = 500
const RUNS = 200

/** The files of a bundle. What cannot be read says so in its place: a bundle is wanted most when something does not work. */
export async function supportFiles(parts: SupportParts): Promise<SupportFile[]> {
  const { pool } = parts
  const limit = MOST
  const sources: Record<string, () => unknown> = {
    'process.json': () => processFacts(parts),
    'settings.json': () => shownSettings(parts.files()),
    'configuration.json': () => configuration(parts.files()),
    'database.json': async () => ({ ...(await databaseFacts(pool)), ...(await migrationStatus(pool)) }),
    'problems.json': async () =>
      (await listProblems(pool)).map((problem) =>
        pick(problem, 'code status connection connector causeClass meaning count firstSeenAt lastSeenAt syncs streams'),
      ),
    'queues.json': async () =>
      (await listQueues(pool)).map((queue) =>
        pick(
          queue,
          'connection kind waiting waitingCapped bySync delayed active oldestWaitingAt oldestAgeSeconds paused throttlePerSecond waitUntil',
        ),
      ),
    'connections.json': async () =>
      (await listConnections(pool, { limit })).items.map((row) =>
        pick(
          row,
          'name connector state stateSince waitUntil breaker breakerUntil maxPerSecond streams lastPullSuccessAt lastPushSuccessAt openDeadLetters',
        ),
      ),
    'streams.json': async () =>
      (await listStreams(pool, { limit })).items.map((row) => ({
        ...pick(row, 'address seq cursorAt keyFields pullMode nextPullAt pullFailures lastPullAt lastSuccessAt'),
        lastError: codeOf(row.lastError),
      })),
    'syncs.json': async () =>
      (await listSyncs(pool, { limit })).items.map((row) => ({
        ...pick(row, 'name from to version state stateSince lastPushAt lastSuccessAt openDeadLetters lastRun'),
        lastError: codeOf(row.lastError),
      })),
    'runs.json': async () =>
      (await listRuns(pool, { limit: RUNS })).items.map((row) => ({
        ...pick(row, 'id kind trigger stream sync lane mode mappingVersion startedAt heartbeatAt finishedAt outcome'),
        counts: numbersOf(row.counts),
        error: codeOf(row.error),
      })),
    'drifts.json': async () =>
      (await listDrifts(pool, { limit: RUNS })).items.map((row) => pick(row, 'id stream runId state foundAt closedAt')),
    'schedules.json': async () => (await lastSlots(pool)).map((row) => pick(row, 'schedule slot firedAt')),
    'alerts.json': async () =>
      (await alertRouteStates(pool)).map((row) => ({
        ...pick(row, 'route waiting lastSentAt'),
        lastError: codeOf(row.lastError),
      })),
  }
  const files = Object.entries(sources).map(async ([name, read]): Promise<SupportFile> => {
    try {
      return { name, text: `${JSON.stringify(await read(), null, 2)}\n` }
    } catch (thrown) {
      const { code, name: kind } = thrown as { code?: string; name?: string }
      return { name, text: `${JSON.stringify({ notRead: code ?? kind ?? 'unknown' })}\n` }
    }
  })
  return [...(await Promise.all(files)), { name: 'log.jsonl', text: recentLog(parts.log) }]
}

function pick(row: object, names: string): Record<string, unknown> {
  const values = row as Record<string, unknown>
  return Object.fromEntries(names.split(' ').map((name) => [name, values[name] ?? null]))
}

/** Of an error its code and, where it came from a call, the status. */
function codeOf(error: Verbatim | null): object | null {
  const value = error && parsed(error)
  if (!value) return null
  const { code, data } = value
  const status = isObject(data) && typeof data.status === 'number' ? { status: data.status } : {}
  return { code: typeof code === 'string' && /^CSW-[0-9]{4}$/.test(code) ? code : null, ...status }
}

const numbersOf = (counts: Verbatim): object =>
  Object.fromEntries(Object.entries(parsed(counts) ?? {}).filter(([, value]) => typeof value === 'number'))

function parsed({ text }: Verbatim): Record<string, unknown> | null {
  const value: unknown = JSON.parse(text)
  return isObject(value) ? value : null
}

function processFacts({ backend }: SupportParts): object {
  const { rss, heapUsed } = process.memoryUsage()
  return {
    at: new Date().toISOString(),
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpus: cpus().length,
    memory: { total: totalmem(), free: freemem(), rss, heapUsed },
    upSeconds: Math.round(process.uptime()),
    queue: backend,
  }
}

/** Words, numbers and addresses without what could name a person in them. */
const shownSettings = ({ config }: HubFiles): object =>
  Object.fromEntries(
    Object.entries(maskedSettings(config.settings)).map(([name, value]) => [name, shownValue(name, value)]),
  )

function configuration({ config, syncs, entities, findings }: HubFiles): object {
  return {
    connections: [...config.connections.values()].map((connection) => ({
      name: connection.name,
      connector: connection.connector,
      settings: Object.fromEntries(
        Object.entries(connection.settings).map(([name, value]) => [name, shownValue(name, value)]),
      ),
      secrets: Object.fromEntries(
        Object.entries(connection.secrets).map(([field, { kind }]: [string, SecretReference]) => [field, kind]),
      ),
      keep: connection.keep,
      maxPerSecond: connection.maxPerSecond,
      maxConcurrent: connection.maxConcurrent,
      exceptions: connection.allow.length,
    })),
    syncs: syncs.map((sync) => ({
      ...pick(sync, 'name file version match mode lanes schedule'),
      from: `${sync.from.connection}:${sync.from.stream}`,
      to: `${sync.to.connection}:${sync.to.stream}`,
      joins: sync.joins.length,
    })),
    entities: entities.map(({ name, records }) => ({ name, streams: records.map(({ from }) => from) })),
    analytics: config.analytics.map(({ name, streams, history }) => ({ name, streams, history })),
    alerts: config.alerts.map(({ name, target, tell, severity }) => ({ name, kind: target.kind, tell, severity })),
    // Their words quote the files.
    findings: findings.map(({ severity, code, place }) => ({ severity, code, place })),
  }
}

/** Settings that say who logs in, or whose something is. */
const PERSONAL = /user|login|account|owner|e?mail|person|contact|bind/i
/** Folders that are called after people. */
const HOME = /(\/(?:home|Users)\/)[^/]+/g

/** Plain words as they are; addresses down to the host; anything longer or with blanks, marks or an @ only by its length. */
function shownValue(name: string, value: unknown): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'number')
    return isSecretName(name) ? '[secret]' : value
  if (typeof value !== 'string') return '[not shown]'
  if (isSecretName(name)) return '[secret]'
  if (PERSONAL.test(name)) return `[text of ${value.length}]`
  const url = URL.parse(value)
  if (url && /^(https?|rediss?|postgres(ql)?|ldaps?|sftp):$/.test(url.protocol)) return `${url.protocol}//${url.host}`
  return /^[A-Za-z0-9_.:/-]{0,40}$/.test(value) ? value.replace(HOME, '$1…') : `[text of ${value.length}]`
}

/** The last lines of this process: when, how bad, what kind of thing; not the particulars. */
function recentLog(log: Logger): string {
  return log
    .recent()
    .flatMap((line) => {
      try {
        const { err, ...entry } = JSON.parse(line) as Record<string, unknown>
        const shown = pick(
          entry,
          'level time pid msg code connection sync stream runId sweep job kind attempt count ms status method route',
        )
        const plain = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== null))
        return [`${JSON.stringify({ ...plain, ...(isObject(err) ? { err: pick(err, 'code type') } : {}) })}\n`]
      } catch {
        return []
      }
    })
    .join('')
}
