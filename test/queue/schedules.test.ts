import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Clock } from '../../src/core/index.ts'
import { type Schedule, Schedules, type SlotBook, scheduleKey } from '../../src/queue/index.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(() => database.pool.query('truncate causeway.schedule_slot').then(() => undefined))

/** The real table of slots, as each instance uses it. */
const book: SlotBook = {
  async claimSlot(schedule, slot) {
    const { rowCount } = await database.pool.query(
      `insert into causeway.schedule_slot (schedule, slot, fired_by) values ($1, $2, 'test') on conflict do nothing`,
      [schedule, slot],
    )
    return rowCount === 1
  },
  async lastSlots() {
    const { rows } = await database.pool.query(
      'select schedule, max(slot) as slot from causeway.schedule_slot group by 1',
    )
    return new Map(rows.map(({ schedule, slot }) => [schedule, slot]))
  },
}

const started: Schedules[] = []
afterEach(() => Promise.all(started.splice(0).map((schedules) => schedules.stop())).then(() => undefined))

const silent = { info() {}, warn() {}, error() {} }
const hourly: Schedule = { name: 'push/contacts', rhythm: { kind: 'cron', expression: '0 * * * *', zone: 'UTC' } }
const everyMinute: Schedule = { name: 'pull/contacts', rhythm: { kind: 'interval', everyMs: 60_000 } }

/** A clock that stands still until it is set. */
function stoppedClock(start: string) {
  let now = new Date(start)
  const clock: Clock = { now: () => now, monotonic: () => now.getTime() }
  return {
    clock,
    set: (time: string) => {
      now = new Date(time)
    },
  }
}

function instance(clock: Clock, options: { book?: SlotBook; fail?: () => boolean } = {}) {
  const fired: string[] = []
  const schedules = new Schedules({
    book: options.book ?? book,
    clock,
    log: silent,
    fire: async (schedule, slot) => {
      if (options.fail?.()) throw new Error('the queue is away')
      fired.push(`${schedule.name} ${slot.toISOString().slice(11, 16)}`)
    },
  })
  started.push(schedules)
  return { schedules, fired }
}

test('several instances fire each slot once', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  const instances = Array.from({ length: 4 }, () => instance(time.clock))
  for (const { schedules } of instances) schedules.replace([hourly, everyMinute])
  const tick = () => Promise.all(instances.map(({ schedules }) => schedules.tick()))
  await tick()
  for (const minute of ['10:31', '10:32', '10:33', '11:00', '11:00']) {
    time.set(`2026-05-05T${minute}:01Z`)
    await tick()
  }
  const fired = instances.flatMap((each) => each.fired).sort()
  expect(fired).toEqual([
    'pull/contacts 10:31',
    'pull/contacts 10:32',
    'pull/contacts 10:33',
    'pull/contacts 11:00',
    'push/contacts 11:00',
  ])
})

test('a schedule never seen before does not make up for its past', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  const { schedules, fired } = instance(time.clock)
  schedules.replace([hourly])
  await schedules.tick()
  expect(fired).toEqual([])
  time.set('2026-05-05T11:00:00Z')
  await schedules.tick()
  expect(fired).toEqual(['push/contacts 11:00'])
})

test('after a time without anybody looking only the latest missed slot fires, once', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  const before = instance(time.clock)
  before.schedules.replace([hourly, everyMinute])
  await before.schedules.tick()
  await before.schedules.stop()

  time.set('2026-05-05T15:10:30Z')
  const restarted = [instance(time.clock), instance(time.clock)]
  for (const { schedules } of restarted) schedules.replace([hourly, everyMinute])
  await Promise.all(restarted.map(({ schedules }) => schedules.tick()))
  await Promise.all(restarted.map(({ schedules }) => schedules.tick()))
  expect(restarted.flatMap(({ fired }) => fired).sort()).toEqual(['pull/contacts 15:10', 'push/contacts 15:00'])
})

test('a schedule whose first slot was missed while everybody was down makes up for it', async () => {
  const time = stoppedClock('2026-05-05T10:59:00Z')
  const before = instance(time.clock)
  before.schedules.replace([hourly])
  await before.schedules.tick()
  await before.schedules.stop()
  time.set('2026-05-05T11:01:00Z')
  const after = instance(time.clock)
  after.schedules.replace([hourly])
  await after.schedules.tick()
  expect(after.fired).toEqual(['push/contacts 11:00'])
})

test('a process that slept fires the latest slot only', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  const { schedules, fired } = instance(time.clock)
  schedules.replace([everyMinute])
  await schedules.tick()
  time.set('2026-05-05T12:00:10Z')
  await schedules.tick()
  expect(fired).toEqual(['pull/contacts 12:00'])
})

test('a changed rhythm starts afresh, a removed schedule fires no more', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  const { schedules, fired } = instance(time.clock)
  schedules.replace([hourly])
  await schedules.tick()
  time.set('2026-05-05T10:50:00Z')
  schedules.replace([{ ...hourly, rhythm: { kind: 'cron', expression: '45 * * * *', zone: 'UTC' } }])
  await schedules.tick()
  time.set('2026-05-05T11:00:00Z')
  await schedules.tick()
  expect(fired).toEqual([])
  time.set('2026-05-05T11:45:00Z')
  await schedules.tick()
  expect(fired).toEqual(['push/contacts 11:45'])
  schedules.replace([])
  time.set('2026-05-05T12:45:00Z')
  await schedules.tick()
  expect(fired.length).toBe(1)
})

test('a slot whose work could not be started is tried again, until the next one takes its place', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  let away = true
  const { schedules, fired } = instance(time.clock, { fail: () => away })
  schedules.replace([everyMinute])
  await schedules.tick()
  time.set('2026-05-05T10:31:00Z')
  await schedules.tick()
  time.set('2026-05-05T10:31:20Z')
  away = false
  await schedules.tick()
  await schedules.tick()
  expect(fired).toEqual(['pull/contacts 10:31'])
  away = true
  for (const second of ['10:32:00', '10:33:00']) {
    time.set(`2026-05-05T${second}Z`)
    await schedules.tick()
  }
  away = false
  await schedules.tick()
  expect(fired).toEqual(['pull/contacts 10:31', 'pull/contacts 10:33'])
})

test('a slot that could not be claimed because the table was away is claimed later', async () => {
  const time = stoppedClock('2026-05-05T10:30:00Z')
  let away = false
  const shaky: SlotBook = {
    claimSlot: (schedule, slot) => (away ? Promise.reject(new Error('away')) : book.claimSlot(schedule, slot)),
    lastSlots: () => (away ? Promise.reject(new Error('away')) : book.lastSlots()),
  }
  const { schedules, fired } = instance(time.clock, { book: shaky })
  away = true
  schedules.replace([everyMinute])
  await schedules.tick()
  away = false
  await schedules.tick()
  away = true
  time.set('2026-05-05T10:31:00Z')
  await schedules.tick()
  expect(fired).toEqual([])
  away = false
  await schedules.tick()
  expect(fired).toEqual(['pull/contacts 10:31'])
})

test('a bad schedule changes nothing and names itself', () => {
  const { schedules } = instance(stoppedClock('2026-05-05T10:30:00Z').clock)
  const bad: Schedule = { name: 'push/invoices', rhythm: { kind: 'cron', expression: '99 * * * *', zone: 'UTC' } }
  expect(() => schedules.replace([hourly, bad])).toThrow(/push\/invoices/)
})

test('started, it looks at the clock by itself', async () => {
  const fired: Date[] = []
  const schedules = new Schedules({ book, log: silent, fire: async (_, slot) => void fired.push(slot) })
  started.push(schedules)
  const everySecond: Schedule = { name: 'upkeep', rhythm: { kind: 'interval', everyMs: 1_000 } }
  schedules.replace([everySecond])
  schedules.start()
  await vi.waitFor(() => expect(fired.length).toBeGreaterThanOrEqual(2), { timeout: 60_000 })
  await schedules.stop()
  const count = fired.length
  expect((await book.lastSlots()).get(scheduleKey(everySecond))).toEqual(fired.at(-1))
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  expect(fired.length).toBe(count)
})
