/** Tells people what is wrong: looks where the page looks, and lets one process of all send. */
import { randomUUID } from 'node:crypto'
import { type ChannelParts, noteObserved, type Observed, openChannel, sendDue } from '../alerts/index.ts'
import type { AlertKind, AlertRoute } from '../config/index.ts'
import {
  CausewayError,
  type Clock,
  digest,
  errorRegistry,
  type Finding,
  type Logger,
  nearestName,
} from '../core/index.ts'
import type { HubModel } from '../pipeline/index.ts'
import { nextSlots, type Sweep, scheduleKey } from '../queue/index.ts'
import { holdLease, type Store, tidyAlerts } from '../store/index.ts'
import { connectionsToAuthorise, idleStreams, lastSlots, listProblems, type ProblemView } from '../store/views/index.ts'
import type { HubFiles } from './hub-files.ts'
import { timetable } from './timetable.ts'

const EVERY_MS = 10_000
const LEASE_MS = 15_000
const TIDY_MS = 60 * 60_000
/** Among millions of letters a look takes seconds; it gets a twentieth of the time of one session at most. */
const LOOK_REST = 19
/** Slots fire to the second; what is still not there after that has been forgotten. */
const SLOT_GRACE_MS = 60_000
/** A pull that was asked for may wait for its turn as long as this. */
const BEGIN_GRACE_MS = 5 * 60_000
/** Beyond that many causes at once the page is the place to look. */
const MOST_OBSERVED = 1_000

export type AlertParts = {
  pool: Store['pool']
  files(): HubFiles
  model(): HubModel
  log: Logger
  clock: Clock
  holder: string
  channel: ChannelParts
}

/** Looks and sends every few seconds, in one of all processes. Does nothing where no route is set up. */
export function alertSweep(parts: AlertParts): Sweep {
  const startedAt = parts.clock.now()
  let tidiedAt = 0
  let lookAt = 0
  return {
    name: 'alerts',
    everyMs: EVERY_MS,
    run: async (signal) => {
      const { pool, log, clock } = parts
      const routes = parts.files().config.alerts
      const now = clock.now()
      const tidies = now.getTime() - tidiedAt >= TIDY_MS
      if (!routes.length && !tidies) return
      const lease = await holdLease(pool, 'alerts', { holder: parts.holder, ttlMs: LEASE_MS })
      if (!lease) return
      try {
        if (tidies) {
          const names = routes.map(({ name }) => name)
          await tidyAlerts(pool, names)
          tidiedAt = now.getTime()
        }
        const began = clock.monotonic()
        if (routes.length && began >= lookAt) {
          await noteObserved(pool, routes, { ...(await look(parts, startedAt, now)), now })
          const ended = clock.monotonic()
          lookAt = ended + LOOK_REST * (ended - began)
        }
        const open = (route: AlertRoute) => openChannel(route, parts.channel, signal)
        await sendDue({ pool, log, open, maySend: () => !signal.aborted && lease.stillHeld() }, routes)
      } finally {
        await lease.release()
      }
    },
  }
}

/** What is wrong now. Of timetables nothing can be said before this process has seen a slot go by. */
async function look(
  parts: AlertParts,
  startedAt: Date,
  now: Date,
): Promise<{ observed: Observed[]; looked: ReadonlySet<AlertKind> }> {
  const [problems, refused] = await Promise.all([
    listProblems(parts.pool, { rejected: 'byStream' }),
    connectionsToAuthorise(parts.pool),
  ])
  const waits = new Set(refused.map(({ name }) => name))
  const told = problems.filter(
    // The connection says it already, and what to do about it.
    ({ status, connection, code }) => !(status === 'failing' && code === 'CSW-3003' && waits.has(connection ?? '')),
  )
  const sighted = now.getTime() - startedAt.getTime() > SLOT_GRACE_MS
  const observed = [
    ...refused.map((connection) => authorisation(connection, parts.model())),
    ...(sighted ? await lateSyncs(parts, startedAt, now) : []),
    // Only of records can there be many.
    ...told
      .toSorted((a, b) => Number(a.status === 'dead') - Number(b.status === 'dead'))
      .map((problem) => ofProblem(problem, parts.model())),
  ]
  const looked = new Set<AlertKind>(sighted ? ['problem', 'authorisation', 'late'] : ['problem', 'authorisation'])
  // What is not among the first may still be wrong: nothing of its kind has ended.
  for (const { kind } of observed.slice(MOST_OBSERVED)) looked.delete(kind)
  return { observed: observed.slice(0, MOST_OBSERVED), looked }
}

const NEEDS_PERSON = new Set<ProblemView['status']>(['dead', 'failing', 'drift'])

function ofProblem(problem: ProblemView, model: HubModel): Observed {
  const { code, fingerprint, status, connection, count, streams, meaning, action } = problem
  const where = connection ?? (problem.syncs.join(', ') || 'hub')
  const many = status === 'dead' ? ` (${count} ${count === 1 ? 'record' : 'records'})` : ''
  return {
    key: digest(JSON.stringify(['problem', code, fingerprint, status, connection])),
    kind: 'problem',
    severity: NEEDS_PERSON.has(status) ? 'error' : 'warning',
    title: `${where}: ${meaning}${many}`,
    code,
    meaning,
    action,
    connection,
    syncs: problem.syncs.length ? problem.syncs : syncsOf(model, (address) => streams.includes(address)),
    streams,
    count,
    since: problem.firstSeenAt.toISOString(),
    path: '/',
    passing: status === 'failing',
  }
}

function authorisation(connection: { name: string; since: Date }, model: HubModel): Observed {
  const { name, since } = connection
  const { meaning, action } = errorRegistry['CSW-3003']
  return {
    key: digest(JSON.stringify(['authorisation', name])),
    kind: 'authorisation',
    severity: 'error',
    title: `Connection ${name} needs a person: its credentials are refused`,
    code: 'CSW-3003',
    meaning,
    action,
    connection: name,
    syncs: syncsOf(model, (address) => address.startsWith(`${name}:`)),
    streams: [],
    count: 1,
    since: since.toISOString(),
    path: `/connection?name=${encodeURIComponent(name)}`,
    passing: false,
  }
}

/** Two-way syncs are one to people. */
const syncsOf = (model: HubModel, touches: (address: string) => boolean): string[] => [
  ...new Set(
    model
      .syncs()
      .filter(({ definition: { from, to } }) =>
        [from, to].some(({ connection, stream }) => touches(`${connection}:${stream}`)),
      )
      .map(({ definition }) => definition.name.replace(/~back$/, '')),
  ),
]

/** Timetables whose slot came and did not fire, or whose pull was asked for and did not begin. Paused ones are meant to rest. */
async function lateSyncs({ pool, files, model }: AlertParts, startedAt: Date, now: Date): Promise<Observed[]> {
  const [fired, idle] = await Promise.all([lastSlots(pool), idleStreams(pool)])
  const slots = new Map(fired.map((slot) => [slot.schedule, slot]))
  const late = new Map<string, Observed>()
  for (const { schedule, sync, streams } of timetable(files())) {
    const ids = streams(model())
    if (!ids.length || ids.every((id) => idle.resting.has(id)) || (sync !== null && idle.pausedSyncs.has(sync)))
      continue
    const last = slots.get(scheduleKey(schedule))
    const from = new Date(Math.max(last?.slot.getTime() ?? 0, last ? 0 : startedAt.getTime()))
    const due = nextSlots(schedule, 1, from)[0]!
    const asked = ids.flatMap((id) => idle.asked.get(id)?.getTime() ?? [])
    const waiting = asked.length ? new Date(Math.min(...asked)) : undefined
    const isLate =
      now.getTime() > due.getTime() + SLOT_GRACE_MS ||
      (waiting !== undefined && now.getTime() > waiting.getTime() + BEGIN_GRACE_MS)
    const name = sync?.replace(/~back$/, '') ?? schedule.name
    if (!isLate || late.has(name)) continue
    late.set(name, {
      key: digest(JSON.stringify(['late', name])),
      kind: 'late',
      severity: 'error',
      title: `${sync === null ? 'Schedule' : 'Sync'} ${name} is late`,
      code: null,
      meaning: 'Its time came and nothing began.',
      action: 'See whether workers run (`causeway status`), and whether they have enough sessions and slots for pulls.',
      connection: null,
      syncs: sync === null ? [] : [name],
      streams: ids.flatMap((id) => {
        const address = model().address(id)
        return address ? [`${address.connection}:${address.stream}`] : []
      }),
      count: 1,
      since: (waiting && waiting < due ? waiting : due).toISOString(),
      path: sync === null ? '/' : `/sync?name=${encodeURIComponent(name)}`,
      passing: false,
    })
  }
  return [...late.values()]
}

/** Sends a message to a route now, so that whoever set it up sees that it arrives. Throws what stands in the way. */
export async function testAlertRoute(
  { files, channel }: Pick<AlertParts, 'files' | 'channel'>,
  name: string,
  actor: string,
) {
  const open = await openChannel(alertRouteNamed(files(), name), channel)
  try {
    const partly = await open.send({ id: `msg_test_${randomUUID()}`, at: new Date(), change: 'test', actor })
    if (partly) throw partly
  } finally {
    open.close()
  }
}

/** Throws CSW-1007 for a route that no file defines. */
export function alertRouteNamed({ config }: Pick<HubFiles, 'config'>, name: string): AlertRoute {
  const route = config.alerts.find((candidate) => candidate.name === name)
  if (route) return route
  const known = config.alerts.map((candidate) => candidate.name).join(', ') || 'none'
  throw new CausewayError('CSW-1007', {
    what: `There is no alert route "${name}".`,
    fix: `Define it under \`alerts:\`, or use one of those defined: ${known}.`,
  })
}

/** What routes keep to must be there. */
export function checkAlerts({ config, syncs }: Pick<HubFiles, 'config' | 'syncs'>): Finding[] {
  const known = { syncs: syncs.map(({ name }) => name), connections: [...config.connections.keys()] }
  return config.alerts.flatMap((route) =>
    (['syncs', 'connections'] as const).flatMap((key) =>
      route[key].flatMap((name, index): Finding[] => {
        if (known[key].includes(name)) return []
        const near = nearestName(name, known[key])
        return [
          {
            severity: 'error',
            code: 'CSW-1007',
            message: `alerts.${route.name}.${key}: there is no ${key === 'syncs' ? 'sync' : 'connection'} "${name}"`,
            fix: near ? `Did you mean "${near}"?` : `Known: ${known[key].join(', ') || 'none'}.`,
            place: route.placeOf([key, index]),
          },
        ]
      }),
    ),
  )
}
