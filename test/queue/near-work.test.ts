import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FairGate, NearWork } from '../../src/queue/index.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const soon = (turns: number): Promise<void> =>
  turns > 0 ? new Promise((resolve) => setImmediate(() => resolve(soon(turns - 1)))) : Promise.resolve()

/** A store of things to do, one worker over it that rests between looks, and what the worker saw. */
class Desk {
  readonly todo = new Map<string, number>()
  readonly woken: string[] = []
  readonly atWork = new Set<string>()
  /** Those that do not rest. */
  busy = 0
  mostBusy = 0
  twice = false
  readonly work: NearWork

  constructor(options: { concurrency: number; turns: number; restMs: number }) {
    this.work = new NearWork({
      kind: 'test',
      concurrency: options.concurrency,
      wake: async (id) => void this.woken.push(id),
      log,
      run: async (id, signal, rest) => {
        if (this.atWork.has(id)) this.twice = true
        this.atWork.add(id)
        this.busy++
        do {
          this.mostBusy = Math.max(this.mostBusy, this.busy)
          while (this.todo.get(id) && !signal.aborted) {
            await soon(options.turns)
            this.todo.set(id, this.todo.get(id)! - 1)
          }
          this.busy--
        } while ((await rest(options.restMs)) && ++this.busy)
        this.atWork.delete(id)
        return 'done'
      },
    })
  }

  add(id: string): void {
    this.todo.set(id, (this.todo.get(id) ?? 0) + 1)
    this.work.call(id)
  }

  /** The same with a job of the queue, which is over when the promise is. */
  addJob(id: string): Promise<void> {
    this.todo.set(id, (this.todo.get(id) ?? 0) + 1)
    return this.work.handler(id, new AbortController().signal)
  }

  /** What is left and nobody was woken for. */
  get forgotten(): string[] {
    return [...this.todo].flatMap(([id, left]) => (left && !this.woken.includes(id) ? [id] : []))
  }
}

test('whatever is called, or comes as a job, is done or handed to the queue, never by two at once, never by more than there is room for', async () => {
  const step = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), turns: fc.nat(4), isJob: fc.boolean() })
  const options = fc.record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    turns: fc.nat(3),
    restMs: fc.constantFrom(0, 1, 60_000),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), options, async (steps, how) => {
      const desk = new Desk(how)
      const jobs: Promise<void>[] = []
      for (const { id, turns, isJob } of steps) {
        if (isJob) jobs.push(desk.addJob(id))
        else desk.add(id)
        await soon(turns)
      }
      await expect.poll(() => desk.forgotten, { interval: 1, timeout: 60_000 }).toEqual([])
      await desk.work.stop()
      await Promise.all(jobs)
      expect(desk.atWork.size).toBe(0)
      expect(desk.twice).toBe(false)
      expect(desk.mostBusy).toBeLessThanOrEqual(how.concurrency)
    }),
    { numRuns: 50 },
  )
})

test('a stop ends what rests at once, and hands what was in the middle to the queue', async () => {
  const desk = new Desk({ concurrency: 2, turns: 1, restMs: 3_600_000 })
  desk.add('resting')
  await expect.poll(() => desk.busy, { timeout: 60_000 }).toBe(0)
  expect([...desk.atWork]).toEqual(['resting'])
  for (let i = 0; i < 100; i++) desk.add('busy')
  await desk.work.stop()
  expect(desk.todo.get('busy')).toBeGreaterThan(0)
  expect(desk.woken).toContain('busy')
  expect(desk.atWork.size).toBe(0)
})

test('work that only a job asked for ends when it is done', async () => {
  const desk = new Desk({ concurrency: 1, turns: 1, restMs: 3_600_000 })
  await desk.work.handler('pulled', new AbortController().signal)
  await expect.poll(() => desk.atWork.size, { timeout: 60_000 }).toBe(0)
  await desk.work.stop()
  expect(desk.woken).toEqual([])
})

test('a failure reaches the job that began the work; without a job it is logged, and the work is left to the sweeps for a while', async () => {
  const failures: string[] = []
  let runs = 0
  const work = new NearWork({
    kind: 'test',
    concurrency: 1,
    wake: async () => {},
    log: { ...log, error: (fields) => void failures.push(String(fields.id)) },
    run: async () => {
      runs++
      throw new Error('broken')
    },
  })
  await expect(work.handler('job', new AbortController().signal)).rejects.toThrow('broken')
  expect(failures).toEqual([])
  work.call('called')
  await expect.poll(() => failures, { timeout: 60_000 }).toEqual(['called'])
  work.call('called')
  await work.stop()
  expect(runs).toBe(2)
})

test('who finds the work elsewhere tells its holder, and only a holder looks again', async () => {
  const told: string[] = []
  const work = new NearWork({
    kind: 'test',
    concurrency: 1,
    wake: async () => {},
    tellOthers: (id) => void told.push(id),
    log,
    run: async () => 'elsewhere',
  })
  await work.handler('lane', new AbortController().signal)
  expect(told).toEqual(['lane'])
  work.callIfHeld('lane')
  await work.stop()
  expect(told).toEqual(['lane'])
})

test('work that steps out of the gate leaves its place to others, and comes back in only where there is one', async () => {
  const woken: string[] = []
  const gate = new FairGate({ total: 2, perConnection: 1, wake: async (id) => void woken.push(id) })
  const called = Promise.withResolvers<boolean>()
  const outside = Promise.withResolvers<void>()
  let cameBack: boolean | undefined
  const first = gate.pass('crm', 'first', async (stepOut) => {
    cameBack = await stepOut(() => {
      outside.resolve()
      return called.promise
    })
  })
  await outside.promise
  const ended = Promise.withResolvers<void>()
  const second = gate.pass('crm', 'second', () => ended.promise)
  called.resolve(true)
  await first
  expect(cameBack).toBe(false)
  ended.resolve()
  expect(await second).toBe(true)
  // It was set aside instead, and is asked for as soon as there is a place again.
  expect(woken).toEqual(['first'])
})

test('a job that finds no room waits for some, and goes back to the queue after a while without', async () => {
  const desk = new Desk({ concurrency: 1, turns: 1, restMs: 0 })
  desk.todo.set('called', Number.POSITIVE_INFINITY)
  desk.work.call('called')
  await desk.addJob('turned away')
  expect(desk.woken).toEqual(['turned away'])
  const waits = desk.addJob('waits')
  desk.todo.set('called', 1)
  await waits
  // Done here, or, where this machine paused for longer than it waits, by whoever takes it next.
  expect(desk.forgotten).toEqual([])
  expect(desk.mostBusy).toBe(1)
  await desk.work.stop()
})

test('who finds the work elsewhere time and again asks for it ever more seldom, until it is to be had', async () => {
  let now = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => clock.mockRestore())
  const asked: number[] = []
  let held = true
  const work = new NearWork({
    kind: 'test',
    concurrency: 1,
    wake: async () => {},
    longestQuietMs: 2_000,
    log,
    run: async () => {
      asked.push(now)
      return held ? 'elsewhere' : 'done'
    },
  })
  const calls = async (until: number): Promise<void> => {
    for (; now < until; now += 10) {
      work.call('inbox')
      await soon(2)
    }
  }
  await calls(8_000)
  expect(asked).toEqual([0, 250, 750, 1_750, 3_750, 5_750, 7_750])
  // A job asks whatever was found before, and what it got is had from then on.
  held = false
  await work.handler('inbox', new AbortController().signal)
  asked.length = 0
  await calls(8_030)
  expect(asked).toEqual([8_000, 8_010, 8_020])
  held = true
  await calls(8_300)
  expect(asked.slice(3)).toEqual([8_030, 8_280])
  await work.stop()
})
