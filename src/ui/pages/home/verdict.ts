import type { Connection, Problem, Queue, Schedule, Sync, System, Worker } from '../../api/types.ts'

export type Situation = {
  problems: Problem[]
  connections: Connection[]
  syncs: Sync[]
  queues: Queue[]
  workers: Worker[]
  schedules: Schedule[]
  system: System
  now: number
}

export type LateSchedule = { schedule: Schedule; dueAt: number }

export type Verdict = {
  tone: 'ok' | 'wait' | 'bad' | 'idle'
  /** How many causes need a person. */
  wrong: number
  /** How many things go on by themselves after a wait. */
  waiting: number
  since: number | null
}

/** Slots fire on time to the second; a minute more is a busy machine, not a fault. */
const LATE_GRACE_MS = 60_000
/** Longer than any turn of a worker: work that is older, with nobody at it, is not being taken, whoever says to be there. */
const STUCK_SECONDS = 60

/** Where processes have told of themselves and none does any more. With none ever, workers of a version that does not tell may be at it. */
const isDeserted = (workers: Worker[]): boolean => workers.length > 0 && workers.every(({ alive }) => !alive)

/**
 * Timetables whose slot came and nothing began. The API tells the coming slots and the last one that fired; a schedule is late
 * when not even its longest interval explains the silence, so that a cron with week-ends is never accused falsely.
 */
export function lateSchedules({ schedules, syncs, system, now }: Situation): LateSchedule[] {
  const idle = new Set(syncs.filter((sync) => sync.state !== 'active').map((sync) => sync.name))
  return schedules.flatMap((schedule) => {
    const slots = schedule.next.map((slot) => Date.parse(slot))
    const gaps = slots.slice(1).map((slot, index) => slot - (slots[index] ?? slot))
    if (!gaps.length || (schedule.sync !== null && idle.has(schedule.sync))) return []
    const last = Math.max(Date.parse(schedule.lastSlot ?? '') || 0, Date.parse(system.startedAt))
    const dueAt = last + Math.max(...gaps)
    return now > dueAt + LATE_GRACE_MS ? [{ schedule, dueAt }] : []
  })
}

/** How often workers are asked for: one that falls silent changes nothing in the ledger, so no event tells of it. */
export const WORKERS_MS = 3_000

/** Queues with work that could be done now and that nobody does. Paused and waiting ones are meant to stand still. */
export function stuckQueues({ queues, syncs, workers }: Pick<Situation, 'queues' | 'syncs' | 'workers'>): Queue[] {
  const patience = isDeserted(workers) ? -1 : STUCK_SECONDS
  const withPausedSync = new Set(
    syncs.filter((sync) => sync.state === 'paused').map((sync) => sync.to.slice(0, sync.to.indexOf(':'))),
  )
  return queues.filter(
    (queue) =>
      queue.waiting > 0 &&
      // A run of a worker that was killed looks alive for a minute.
      (queue.active === 0 || isDeserted(workers)) &&
      !queue.paused &&
      queue.waitUntil === null &&
      (queue.oldestAgeSeconds ?? 0) > patience &&
      !(queue.kind === 'push' && withPausedSync.has(queue.connection)),
  )
}

const BAD_OUTCOMES = ['failed', 'held', 'unknown']

/** Syncs whose last run did not end well. Those of which a problem speaks already are left out of the count, not of the list. */
export const unhappySyncs = (syncs: Sync[]): Sync[] =>
  syncs.filter(
    (sync) => sync.state === 'active' && sync.lastRun !== null && BAD_OUTCOMES.includes(sync.lastRun.outcome),
  )

/** Connections that stand still until somebody gives them a credential. */
export const needingAuthorisation = (connections: Connection[]): Connection[] =>
  connections.filter((connection) => connection.state === 'needs_authorisation')

/** Connections whose other side asked for a wait. Never a failure: they go on by themselves. */
export const waitingConnections = (connections: Connection[], now: number): Connection[] =>
  connections.filter(
    (connection) =>
      connection.state === 'active' && connection.waitUntil !== null && Date.parse(connection.waitUntil) > now,
  )

/** Is it all right? `bad` when anything needs a person, `wait` when it heals by itself, `idle` when nothing is set up. */
export function verdictOf(situation: Situation): Verdict {
  const { problems, connections, syncs, system, now } = situation
  const open = problems.filter(({ status }) => status !== 'retrying' && status !== 'parked')
  const retrying = problems.filter(({ status }) => status === 'retrying' || status === 'parked')
  const named = new Set(open.flatMap((problem) => problem.syncs))
  const unhappy = unhappySyncs(syncs).filter((sync) => !named.has(sync.name))
  const unauthorised = needingAuthorisation(connections)
  const late = lateSchedules(situation)
  const stuck = stuckQueues(situation)
  const failing = system.checks.filter((check) => !check.ok)
  const waits = waitingConnections(connections, now)
  const moments = [
    ...open.map((problem) => Date.parse(problem.firstSeenAt)),
    ...unauthorised.map((connection) => Date.parse(connection.stateSince)),
    ...unhappy.map((sync) => Date.parse(sync.lastRun?.startedAt ?? '')),
    ...late.map(({ dueAt }) => dueAt),
    ...stuck.map((queue) => Date.parse(queue.oldestWaitingAt ?? '')),
  ].filter((moment) => !Number.isNaN(moment))
  const wrong = open.length + unhappy.length + unauthorised.length + late.length + stuck.length + failing.length
  const waiting = retrying.length + waits.length
  const tone = wrong > 0 ? 'bad' : waiting > 0 ? 'wait' : connections.length === 0 ? 'idle' : 'ok'
  return { tone, wrong, waiting, since: moments.length ? Math.min(...moments) : null }
}
