import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ConnectionLoad, FairGate, perConnectionLimit, pickStarts } from '../../src/queue/index.ts'

const load = (connection: string, waiting: number, more: Partial<ConnectionLoad> = {}): ConnectionLoad => ({
  connection,
  waiting,
  oldestAgeMs: 0,
  active: 0,
  paused: false,
  throttled: false,
  ...more,
})
const limits = { total: 4, perConnection: 2 }

test('free slots are dealt out in turn, up to the share of a connection', () => {
  expect(pickStarts([load('noisy', 1000), load('quiet', 1)], limits, new Map())).toEqual(['noisy', 'quiet', 'noisy'])
  expect(pickStarts([load('noisy', 1000)], limits, new Map())).toEqual(['noisy', 'noisy'])
})

test('who has nothing running comes first, then who waited longest for a turn, then the oldest work', () => {
  const one = { total: 10, perConnection: 5 }
  expect(pickStarts([load('a', 1, { active: 1 }), load('b', 1)], one, new Map())).toEqual(['b', 'a'])
  const served = new Map([
    ['a', 7],
    ['b', 3],
  ])
  expect(pickStarts([load('a', 1), load('b', 1), load('c', 1)], one, served)).toEqual(['c', 'b', 'a'])
  expect(pickStarts([load('a', 1), load('b', 1, { oldestAgeMs: 9 })], one, new Map())).toEqual(['b', 'a'])
})

test('paused and throttled connections start nothing but keep the slots they have', () => {
  const loads = [
    load('paused', 5, { paused: true, active: 2 }),
    load('throttled', 5, { throttled: true, active: 1 }),
    load('free', 5),
  ]
  expect(pickStarts(loads, limits, new Map())).toEqual(['free'])
})

const anyLoads = fc.uniqueArray(
  fc.record({
    connection: fc.string({ minLength: 1, maxLength: 3 }),
    waiting: fc.nat(50),
    oldestAgeMs: fc.nat(1000),
    active: fc.nat(3),
    paused: fc.boolean(),
    throttled: fc.boolean(),
  }),
  { selector: ({ connection }) => connection, maxLength: 12 },
)
const anyLimits = fc.record({ total: fc.integer({ min: 1, max: 10 }), perConnection: fc.integer({ min: 1, max: 10 }) })

test('no limit is exceeded, nothing starts that does not wait, and no slot stays empty without need', () => {
  fc.assert(
    fc.property(anyLoads, anyLimits, (loads, anyLimit) => {
      const before = structuredClone(loads)
      const starts = pickStarts(loads, anyLimit, new Map())
      expect(loads).toEqual(before)
      const count = (name: string) => starts.filter((start) => start === name).length
      const running = loads.reduce((sum, { active }) => sum + active, 0)
      for (const { connection, waiting, active, paused, throttled } of loads) {
        expect(count(connection)).toBeLessThanOrEqual(waiting)
        if (count(connection) > 0) {
          expect(active + count(connection)).toBeLessThanOrEqual(anyLimit.perConnection)
          expect(paused || throttled).toBe(false)
        }
      }
      expect(starts.length).toBeLessThanOrEqual(Math.max(0, anyLimit.total - running))
      const startable = loads
        .filter(({ paused, throttled }) => !paused && !throttled)
        .reduce((sum, { waiting, active }) => sum + Math.min(waiting, Math.max(0, anyLimit.perConnection - active)), 0)
      expect(starts.length).toBe(Math.min(startable, Math.max(0, anyLimit.total - running)))
    }),
  )
})

test('no connection with waiting work starves', () => {
  // Everybody always has work, one slot ends per round in any order: each is served within a bounded number of rounds.
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }),
      (connections, total, endings) => {
        const names = Array.from({ length: connections }, (_, index) => `c${index}`)
        const running: string[] = []
        const servedAt = new Map<string, number>()
        const unserved = new Map(names.map((name) => [name, 0]))
        let turn = 0
        for (const ending of endings) {
          const loads = names.map((name) =>
            load(name, name === 'c0' ? 1000 : 1, { active: running.filter((each) => each === name).length }),
          )
          const starts = pickStarts(loads, { total, perConnection: perConnectionLimit(total) }, servedAt)
          for (const name of names) unserved.set(name, (unserved.get(name) ?? 0) + 1)
          for (const name of [...starts, ...running]) unserved.set(name, 0)
          for (const name of starts) {
            turn += 1
            servedAt.set(name, turn)
          }
          running.push(...starts)
          expect(Math.max(...unserved.values())).toBeLessThanOrEqual(connections)
          running.splice(ending % running.length, 1)
        }
      },
    ),
  )
})

/** Four slots in front of a first-in-first-out queue, as a worker has them. */
async function runThrough(jobs: { connection: string; id: string }[], total: number, perConnection: number) {
  const waiting = [...jobs]
  const byId = new Map(jobs.map((job) => [job.id, job]))
  const order: string[] = []
  let most = 0
  const now = new Map<string, number>()
  const gate = new FairGate({ total, perConnection, wake: async (id) => void waiting.push(byId.get(id)!) })
  const slot = async () => {
    for (let idle = 0; idle < 50; idle += 1) {
      const job = waiting.shift()
      if (job) {
        idle = 0
        await gate.pass(job.connection, job.id, async () => {
          order.push(job.id)
          now.set(job.connection, (now.get(job.connection) ?? 0) + 1)
          most = Math.max(most, now.get(job.connection)!)
          await new Promise((resolve) => setTimeout(resolve, 2))
          now.set(job.connection, now.get(job.connection)! - 1)
        })
      } else await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  await Promise.all(Array.from({ length: total }, slot))
  return { order, most }
}

test('a noisy connection lets others through, keeps to its share, and loses nothing', async () => {
  const noisy = Array.from({ length: 40 }, (_, index) => ({ connection: 'noisy', id: `noisy ${index}` }))
  const quiet = { connection: 'quiet', id: 'quiet' }
  const { order, most } = await runThrough([...noisy, quiet], 4, 2)
  expect(order.indexOf('quiet')).toBeLessThan(5)
  expect(most).toBe(2)
  expect([...order].sort()).toEqual([...noisy, quiet].map(({ id }) => id).sort())
})

test('what was set aside is given back when the process stops', async () => {
  const woken: string[] = []
  const gate = new FairGate({ total: 2, perConnection: 1, wake: async (id) => void woken.push(id) })
  let end = () => {}
  const first = gate.pass('a', '1', () => new Promise((resolve) => (end = resolve)))
  expect(await gate.pass('a', '2', async () => undefined)).toBe(false)
  expect(await gate.pass('a', '2', async () => undefined)).toBe(false)
  expect(await gate.pass('a', '3', async () => undefined)).toBe(false)
  expect(await gate.pass('b', '4', async () => undefined)).toBe(true)
  await gate.empty()
  expect(woken.sort()).toEqual(['2', '3'])
  end()
  expect(await first).toBe(true)
  expect(woken.length).toBe(2)
})

test('a crash inside frees the slot', async () => {
  const gate = new FairGate({ total: 1, perConnection: 1, wake: async () => undefined })
  await expect(gate.pass('a', '1', () => Promise.reject(new Error('crash')))).rejects.toThrow('crash')
  expect(await gate.pass('a', '1', async () => undefined)).toBe(true)
})
