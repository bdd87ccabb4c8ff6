import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { takeQueueWait } from '../../src/core/index.ts'
import { WORK_KINDS, type WorkHandler } from '../../src/queue/index.ts'
import { type Cases, recorder, soon } from './bench.ts'

/** The contract when all goes well, and when handlers do not. */
export const workCases: Cases = {
  'every wake-up reaches its handler, kinds apart': async ({ queue }) => {
    const seen: string[] = []
    for (const kind of WORK_KINDS) {
      await queue.work(kind, async (id) => void seen.push(`${kind}/${id}`), { concurrency: 2 })
    }
    const ids = ['7', '42:1', 'a:b:c', 'ünï/code 🐘', 'plain']
    for (const kind of WORK_KINDS) for (const id of ids) await queue.wake(kind, id)
    const expected = WORK_KINDS.flatMap((kind) => ids.map((id) => `${kind}/${id}`)).sort()
    await soon(() => expect([...seen].sort()).toEqual(expected))
  },

  'many ids are woken in one call, each once': async ({ queue }) => {
    const ids = Array.from({ length: 450 }, (_, index) => `stream ${index}`)
    await queue.wakeMany('pull', [...ids, ...ids])
    expect(await queue.backlog('pull')).toMatchObject({ waiting: 450, active: 0 })
    const { handler, finished } = recorder()
    await queue.work('pull', handler, { concurrency: 20 })
    await soon(() => expect(finished.length).toBe(450))
    expect(new Set(finished).size).toBe(450)
  },

  'a handler knows how long its job waited': async ({ queue }) => {
    const waits: number[] = []
    await queue.wake('pull', 'patient')
    await sleep(400)
    await queue.work('pull', async () => void waits.push(takeQueueWait()), { concurrency: 1 })
    await soon(() => expect(waits).toHaveLength(1))
    expect(waits[0]).toBeGreaterThanOrEqual(380)
    expect(waits[0]).toBeLessThan(20_000)
  },

  'calls for an id that waits collapse': async ({ queue }) => {
    await Promise.all(Array.from({ length: 30 }, () => queue.wake('push', 'same')))
    await queue.wakeMany('push', ['same', 'other'])
    expect((await queue.backlog('push')).waiting).toBe(2)
    const { handler, finished } = recorder()
    await queue.work('push', handler, { concurrency: 5 })
    await soon(() => expect([...finished].sort()).toEqual(['other', 'same']))
    await sleep(200)
    expect(finished.length).toBe(2)
  },

  'a call that comes while the id is worked on is kept, and the id is not worked on twice at once': async ({
    queue,
  }) => {
    const { handler, started, finished, release } = recorder(['a'])
    await queue.work('push', handler, { concurrency: 4 })
    await queue.wake('push', 'a')
    await soon(() => expect(started).toEqual(['a']))
    await Promise.all(Array.from({ length: 10 }, () => queue.wake('push', 'a')))
    await queue.wakeMany('push', ['a', 'b'])
    await soon(() => expect(finished).toEqual(['b']))
    expect(started).toEqual(['a', 'b'])
    release()
    await soon(() => expect(finished).toEqual(['b', 'a', 'a']))
    await sleep(200)
    expect(started.length).toBe(3)
  },

  'no call is lost however it meets the end of a run': async ({ queue }) => {
    // Whoever is woken must see a mark set before the call. The calls come without pause while runs begin and end.
    const marks = new Map<string, number>()
    const seen = new Map<string, number>()
    const handler: WorkHandler = async (id) => {
      seen.set(id, marks.get(id) ?? 0)
      await sleep(Math.random() * 4)
    }
    await queue.work('inbox', handler, { concurrency: 3 })
    const caller = async (id: string) => {
      for (let mark = 1; mark <= 60; mark += 1) {
        marks.set(id, mark)
        await queue.wake('inbox', id)
        await sleep(Math.random() * 8)
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(caller))
    await soon(() => expect(Object.fromEntries(seen)).toEqual({ a: 60, b: 60, c: 60, d: 60 }))
  },

  'a call kept during a run survives that run crashing for good': async ({ queue }) => {
    let runs = 0
    const { started, release, handler: hold } = recorder(['a'])
    const handler: WorkHandler = async (id, signal) => {
      runs += 1
      await hold(id, signal)
      if (runs <= 3) throw new Error('crash')
    }
    await queue.work('push', handler, { concurrency: 2 })
    await queue.wake('push', 'a')
    await soon(() => expect(started.length).toBe(1))
    await queue.wake('push', 'a')
    release()
    await soon(() => expect(runs).toBe(4))
    expect((await queue.backlog('push')).failed).toBe(1)
  },

  'a later call waits for its time and does not hold up a call for now': async ({ queue }) => {
    const at: number[] = []
    await queue.work('push', async () => void at.push(performance.now()), { concurrency: 2 })
    const start = performance.now()
    await queue.wake('push', 'a', { delayMs: 800 })
    await queue.wake('push', 'a', { delayMs: 60_000 })
    expect((await queue.backlog('push')).delayed).toBe(2)
    await queue.wake('push', 'a')
    await soon(() => expect(at.length).toBe(1))
    expect(at[0]! - start).toBeLessThan(700)
    await soon(() => expect(at.length).toBe(2))
    expect(at[1]! - start).toBeGreaterThan(790)
    expect(at[1]! - start).toBeLessThan(2_000)
    expect((await queue.backlog('push')).delayed).toBe(1)
  },

  'equal later calls collapse': async ({ queue }) => {
    for (let call = 0; call < 20; call += 1) await queue.wake('push', 'a', { delayMs: 600_000 })
    expect((await queue.backlog('push')).delayed).toBeLessThanOrEqual(2)
  },

  'a crashed handler is tried again, then set aside, and its id can be woken anew': async ({ queue, backend }) => {
    let runs = 0
    const handler: WorkHandler = async () => {
      runs += 1
      if (runs <= 3) throw new Error('customer jane@example.org is broken')
    }
    await queue.work('pull', handler, { concurrency: 1 })
    await queue.wake('pull', 'a')
    await soon(async () => expect((await queue.backlog('pull')).failed).toBe(1))
    expect(runs).toBe(3)
    expect(await backend.stored()).not.toContain('jane')
    await queue.wake('pull', 'a')
    await soon(() => expect(runs).toBe(4))
  },

  'jobs carry ids only': async ({ queue, backend }) => {
    await queue.wake('push', 'sync-7/lane-3')
    await queue.wake('push', 'sync-8', { delayMs: 60_000 })
    const stored = await backend.stored()
    expect(stored).toContain('sync-7/lane-3')
    const payloads = [...stored.replaceAll('\\"', '"').matchAll(/\{"+id"+: *"+([^"]+)"+\}/g)].map(([, id]) => id)
    expect(payloads.filter((id) => id?.startsWith('sync-')).sort()).toEqual(['sync-7/lane-3', 'sync-8'])
  },

  'finished jobs leave nothing behind': async ({ queue, backend }) => {
    const { handler, finished } = recorder()
    await queue.work('pull', handler, { concurrency: 4 })
    await queue.wakeMany('pull', ['trace-1', 'trace-2', 'trace-3'])
    await soon(() => expect(finished.length).toBe(3))
    await soon(async () => expect(await backend.stored()).not.toContain('trace-'))
  },

  'backlog counts what waits, runs and lies ahead, and who works': async ({ queue, another }) => {
    const { handler, started, release } = recorder(['a', 'b'])
    expect(await queue.backlog('pull')).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0, workers: 0 })
    const second = await another()
    await queue.work('pull', handler, { concurrency: 1 })
    const stopped = await second.work('pull', handler, { concurrency: 1 })
    await queue.work('inbox', async () => undefined, { concurrency: 1 })
    await queue.wakeMany('pull', ['a', 'b', 'c', 'd'])
    await queue.wake('pull', 'e', { delayMs: 60_000 })
    await soon(() => expect([...started].sort()).toEqual(['a', 'b']))
    expect(await queue.backlog('pull')).toEqual({ waiting: 2, active: 2, delayed: 1, failed: 0, workers: 2 })
    expect(await queue.backlog('push')).toMatchObject({ waiting: 0, workers: 0 })
    release()
    await stopped.stop()
    await soon(async () => expect((await queue.backlog('pull')).workers).toBe(1))
  },

  'no more run at once than was asked for': async ({ queue }) => {
    let running = 0
    let most = 0
    const handler: WorkHandler = async () => {
      running += 1
      most = Math.max(most, running)
      await sleep(20)
      running -= 1
    }
    await queue.work('pull', handler, { concurrency: 3 })
    await queue.wakeMany(
      'pull',
      Array.from({ length: 30 }, (_, index) => `id ${index}`),
    )
    await soon(async () => expect(await queue.backlog('pull')).toMatchObject({ waiting: 0, active: 0 }))
    expect(most).toBe(3)
  },

  'stop tells the running handler, waits for it, and hands the work on': async ({ queue, another }) => {
    let began = false
    let told = false
    let done = false
    const working = await queue.work(
      'push',
      async (_id, signal) => {
        began = true
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        told = true
        await sleep(150)
        done = true
      },
      { concurrency: 1 },
    )
    await queue.wake('push', 'half done')
    await soon(() => expect(began).toBe(true))
    await working.stop()
    expect({ told, done }).toEqual({ told: true, done: true })
    await queue.wake('push', 'after')
    const { handler, finished } = recorder()
    await (await another()).work('push', handler, { concurrency: 1 })
    await soon(() => expect([...finished].sort()).toEqual(['after', 'half done']))
  },

  'closing hands on what runs as well': async ({ queue, another }) => {
    let began = false
    const handler: WorkHandler = (_id, signal) => {
      began = true
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    await queue.work('push', handler, { concurrency: 1 })
    await queue.wakeMany('push', ['half done', 'untouched'])
    await soon(() => expect(began).toBe(true))
    await queue.close()
    const { handler: next, finished } = recorder()
    await (await another()).work('push', next, { concurrency: 1 })
    await soon(() => expect([...finished].sort()).toEqual(['half done', 'untouched']))
  },

  'work that was stopped can be taken up again by the same process': async ({ queue }) => {
    const first = await queue.work('push', async () => undefined, { concurrency: 1 })
    await first.stop()
    const { handler, finished } = recorder()
    await queue.work('push', handler, { concurrency: 1 })
    await queue.wake('push', 'again')
    await soon(() => expect(finished).toEqual(['again']))
  },

  'the board shows running and failed jobs in our words only, and has nothing that changes them': async ({ queue }) => {
    const { handler, started, release } = recorder(['busy'])
    await queue.work(
      'push',
      async (id, signal) => {
        if (id === 'broken') throw new Error('the body of ada@example.org')
        await handler(id, signal)
      },
      { concurrency: 4 },
    )
    await queue.wake('push', 'broken')
    await queue.wake('push', 'busy')
    await soon(() => expect(started).toEqual(['busy']))
    onTestFinished(release)
    await soon(async () => expect(await queue.backlog('push')).toMatchObject({ active: 1, failed: 1 }))
    const read = async (path: string, query = {}) => {
      const { status, body } = (await queue.readBoard(path, query))!
      expect(status).toBe(200)
      return JSON.parse(JSON.stringify(body))
    }
    const { queues } = await read('/queues', { activeQueue: 'push', status: 'latest', page: '1', jobsPerPage: '10' })
    expect(queues.map(({ name }: { name: string }) => name).sort()).toEqual([...WORK_KINDS].sort())
    const push = queues.find(({ name }: { name: string }) => name === 'push')
    expect(push).toMatchObject({ readOnlyMode: true, allowRetries: false, counts: { active: 1, failed: 1 } })
    const reasons = push.jobs.map(({ data, failedReason }: Shown): [string, string | null] => [
      data.id,
      failedReason ?? null,
    ])
    expect(new Map(reasons)).toEqual(
      new Map([
        ['broken', 'CSW-1001'],
        ['busy', null],
      ]),
    )
    const failed = push.jobs.find(({ data }: Shown) => data.id === 'broken')
    expect(await read(`/queues/push/${failed.id}`)).toMatchObject({ status: 'failed', job: { stacktrace: [] } })
    expect(JSON.stringify([queues, await read(`/queues/push/${failed.id}`)])).not.toContain('ada@')
    expect(await queue.readBoard('/queues/push/pause', {})).toMatchObject({ status: 404 })
    expect(await queue.readBoard('/queues/pause', {})).toBeUndefined()
    expect(await queue.readBoard('/../static', {})).toBeUndefined()
    release()
  },
}

type Shown = { data: { id: string }; failedReason?: string | null }
