import { expect, test } from 'vitest'
import type { Connection, Problem, Queue, Schedule, Sync, Worker } from '../../src/ui/api/types.ts'
import { lateSchedules, type Situation, stuckQueues, verdictOf } from '../../src/ui/pages/home/verdict.ts'

const NOW = Date.parse('2026-03-02T12:00:00Z')
const minutesAgo = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString()

const connection = (more: Partial<Connection> = {}): Connection => ({
  name: 'crm',
  connector: 'demo',
  state: 'active',
  stateReason: null,
  stateSince: minutesAgo(60),
  waitUntil: null,
  waitReason: null,
  breaker: 'closed',
  breakerUntil: null,
  breakerReason: null,
  maxPerSecond: null,
  streams: 1,
  lastPullSuccessAt: null,
  lastPushSuccessAt: null,
  openDeadLetters: 0,
  ...more,
})
const sync = (more: Partial<Sync> = {}): Sync => ({
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  version: 'v1',
  state: 'active',
  stateReason: null,
  stateSince: minutesAgo(60),
  lastError: null,
  lastPushAt: null,
  lastSuccessAt: null,
  openDeadLetters: 0,
  lastRun: { id: 1, outcome: 'success', startedAt: minutesAgo(9), finishedAt: minutesAgo(8) },
  ...more,
})
const queue = (more: Partial<Queue> = {}): Queue => ({
  connection: 'erp',
  kind: 'push',
  waiting: 0,
  waitingCapped: false,
  bySync: {},
  delayed: 0,
  active: 0,
  oldestWaitingAt: null,
  oldestAgeSeconds: null,
  paused: false,
  pauseReason: null,
  throttlePerSecond: null,
  waitUntil: null,
  waitReason: null,
  ...more,
})
const problem = (more: Partial<Problem> = {}): Problem => ({
  code: 'CSW-3008',
  fingerprint: 'f',
  status: 'dead',
  connection: 'erp',
  connector: 'demo',
  causeClass: 'data',
  meaning: 'Refused.',
  action: 'Correct it.',
  count: 500,
  firstSeenAt: minutesAgo(30),
  lastSeenAt: minutesAgo(1),
  syncs: ['contacts'],
  streams: [],
  sample: 1,
  ...more,
})
const every15 = (lastSlot: string | null): Schedule => ({
  schedule: 'sync:contacts:0',
  sync: 'contacts',
  stream: null,
  kind: 'interval',
  expression: 'every 15m',
  zone: null,
  full: false,
  next: [15, 30, 45].map((minutes) => minutesAgo(-minutes)),
  lastSlot,
  lastFiredAt: lastSlot,
})
const situation = (more: Partial<Situation> = {}): Situation => ({
  problems: [],
  connections: [connection()],
  syncs: [sync()],
  queues: [queue()],
  workers: [],
  schedules: [every15(minutesAgo(10))],
  system: { version: '1', node: 'v24', startedAt: minutesAgo(600), checks: [{ name: 'database', ok: true }] },
  now: NOW,
  ...more,
})

test('a quiet hub is well, an empty one is not called well', () => {
  expect(verdictOf(situation())).toMatchObject({ tone: 'ok', wrong: 0 })
  expect(verdictOf(situation({ connections: [], syncs: [], queues: [], schedules: [] })).tone).toBe('idle')
})

test('what heals by itself is a wait, never a failure', () => {
  const waiting = situation({
    connections: [connection({ waitUntil: minutesAgo(-5) })],
    problems: [problem({ status: 'retrying' })],
  })
  expect(verdictOf(waiting)).toMatchObject({ tone: 'wait', wrong: 0, waiting: 2 })
  // A wait that is over is none.
  expect(verdictOf(situation({ connections: [connection({ waitUntil: minutesAgo(1) })] })).tone).toBe('ok')
})

test('causes are counted, not records, and the oldest says since when', () => {
  const broken = situation({
    problems: [problem(), problem({ fingerprint: 'g', firstSeenAt: minutesAgo(90) }), problem({ status: 'retrying' })],
    connections: [connection({ state: 'needs_authorisation', stateSince: minutesAgo(20) })],
  })
  expect(verdictOf(broken)).toEqual({ tone: 'bad', wrong: 3, waiting: 1, since: NOW - 90 * 60_000 })
})

test('a failed run counts once, whether or not a problem speaks of it', () => {
  const failed = sync({ lastRun: { id: 2, outcome: 'failed', startedAt: minutesAgo(5), finishedAt: minutesAgo(4) } })
  expect(verdictOf(situation({ syncs: [failed] })).wrong).toBe(1)
  expect(verdictOf(situation({ syncs: [failed], problems: [problem({ status: 'failing' })] })).wrong).toBe(1)
})

test('a broken check of the hub itself is a problem', () => {
  const system = { ...situation().system, checks: [{ name: 'queue', ok: false }] }
  expect(verdictOf(situation({ system })).tone).toBe('bad')
})

test('late means that the longest interval and a grace have passed without a slot', () => {
  const late = (schedules: Schedule[], more: Partial<Situation> = {}) =>
    lateSchedules(situation({ schedules, ...more })).map(({ dueAt }) => dueAt)
  expect(late([every15(minutesAgo(15.5))])).toEqual([])
  expect(late([every15(minutesAgo(17))])).toEqual([NOW - 2 * 60_000])
  // A hub that has just started, or a sync that is paused, is not late.
  const system = { ...situation().system, startedAt: minutesAgo(2) }
  expect(late([every15(null)], { system })).toEqual([])
  expect(late([every15(null)])).toHaveLength(1)
  expect(late([every15(null)], { syncs: [sync({ state: 'paused' })] })).toEqual([])
  // Friday's slot was the last before the week-end: the week-end is among the coming gaps.
  const workdays = { ...every15(minutesAgo(48 * 60)), next: [24, 48, 120].map((hours) => minutesAgo(-hours * 60)) }
  expect(late([workdays])).toEqual([])
})

test('a queue is stuck when work is old and nobody is at it, and nothing explains it', () => {
  const old = { waiting: 3, oldestAgeSeconds: 90 }
  const stuck = (more: Partial<Queue>, syncs = [sync()], workers: Worker[] = []) =>
    stuckQueues({ queues: [queue(more)], syncs, workers }).length
  expect(stuck(old)).toBe(1)
  expect(stuck({ ...old, active: 1 })).toBe(0)
  expect(stuck({ ...old, paused: true })).toBe(0)
  expect(stuck({ ...old, waitUntil: minutesAgo(-1) })).toBe(0)
  expect(stuck({ ...old, oldestAgeSeconds: 10 })).toBe(0)
  expect(stuck(old, [sync({ state: 'paused' })])).toBe(0)
  const worker = {
    host: 'a',
    process: '1',
    startedAt: minutesAgo(9),
    seenAt: minutesAgo(1),
    leftAt: null,
    alive: false,
  }
  const young = { waiting: 3, oldestAgeSeconds: 0 }
  // With nobody alive nothing has to be waited for, whatever a killed run left behind.
  expect(stuck({ ...young, active: 1 }, [sync()], [worker])).toBe(1)
  expect(stuck(young, [sync()], [worker, { ...worker, alive: true }])).toBe(0)
  expect(stuck({ ...young, paused: true }, [sync()], [worker])).toBe(0)
})
