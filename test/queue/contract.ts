import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  openQueue,
  type QueueTarget,
  type QueueTuning,
  WORK_KINDS,
  type WorkHandler,
  type WorkQueue,
} from '../../src/queue/index.ts'
import type { Backend } from './backends.ts'

/** The defaults in a hurry. */
export const TUNING: Partial<QueueTuning> = {
  lockMs: 1_000,
  stalledCheckMs: 300,
  idlePollMs: 1_000,
  crashBackoffMs: 50,
  crashAttempts: 3,
  callTimeoutMs: 1_500,
}

type Bench = {
  backend: Backend
  target: QueueTarget
  queue: WorkQueue
  /** What the queue wrote to its log. */
  lines: string[]
  /** A second queue on the same target, as another process would have it. */
  another(): Promise<WorkQueue>
}

/** A handler that notes its ids and, until let go, holds those it was told to hold. */
function recorder(hold: string[] = []) {
  const started: string[] = []
  const finished: string[] = []
  const held = new Set(hold)
  let letGo = () => {}
  const gate = new Promise<void>((open) => {
    letGo = open
  })
  const handler: WorkHandler = async (id) => {
    started.push(id)
    if (held.has(id)) await gate
    finished.push(id)
  }
  return { handler, started, finished, release: () => letGo() }
}

export const soon = <T>(check: () => T | Promise<T>, timeout = 5_000) => vi.waitFor(check, { timeout, interval: 20 })

const cases: Record<string, (bench: Bench) => Promise<void>> = {
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
    let told = false
    let done = false
    const working = await queue.work(
      'push',
      async (_id, signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        told = true
        await sleep(150)
        done = true
      },
      { concurrency: 1 },
    )
    await queue.wake('push', 'half done')
    await soon(async () => expect((await queue.backlog('push')).active).toBe(1))
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

  'the job of a killed process is taken up by another': async ({ queue, target }) => {
    const victim = await startVictim(target)
    await queue.wake('pull', 'orphan')
    await victim.says('started orphan')
    victim.kill()
    const { handler, finished } = recorder()
    await queue.work('pull', handler, { concurrency: 1 })
    await soon(() => expect(finished).toEqual(['orphan']))
  },

  'after a flush the process lives and new calls work': async ({ queue, backend }) => {
    const { handler, started, finished, release } = recorder(['running'])
    await queue.work('push', handler, { concurrency: 2 })
    await queue.wake('push', 'running')
    await soon(() => expect(started).toEqual(['running']))
    await queue.wake('push', 'lost', { delayMs: 60_000 })
    await backend.flush()
    release()
    await queue.wake('push', 'new')
    await queue.wake('push', 'running')
    await soon(() => expect([...finished].sort()).toEqual(['new', 'running', 'running']))
    expect((await queue.backlog('push')).delayed).toBe(0)
  },

  'during an outage calls fail soon and coded; what waited starts within five seconds of its end': async ({
    queue,
    backend,
  }) => {
    const { handler, started, finished, release } = recorder(['running'])
    await queue.work('push', handler, { concurrency: 2 })
    await queue.wake('push', 'due in the dark', { delayMs: 800 })
    await queue.wake('push', 'running')
    await soon(() => expect(started).toEqual(['running']))
    await backend.relay.cut()
    await expect(queue.wake('push', 'lost')).rejects.toMatchObject({ code: 'CSW-7001' })
    await expect(queue.backlog('push')).rejects.toMatchObject({ code: 'CSW-7001' })
    expect(await queue.ping()).toBe(false)
    release()
    await sleep(1_500)
    await backend.relay.restore()
    await soon(() => expect(finished).toEqual(expect.arrayContaining(['due in the dark', 'running'])), 5_000)
    await queue.wake('push', 'new')
    await soon(() => expect(finished).toContain('new'))
    expect(await queue.ping()).toBe(true)
  },

  'a backend that stays silent holds nobody up': async ({ queue, backend }) => {
    backend.relay.freeze()
    const start = performance.now()
    const ping = queue.ping()
    await expect(queue.wake('push', 'a')).rejects.toMatchObject({ code: 'CSW-7001' })
    expect(await ping).toBe(false)
    expect(performance.now() - start).toBeLessThan(4_000)
    await backend.relay.cut()
    await backend.relay.restore()
    await soon(() => queue.wake('push', 'b'))
  },

  'a worker with a backlog does not storm a backend that turns it away': async ({ queue, backend, lines }) => {
    const { handler, started, finished, release } = recorder(['first'])
    await queue.work('push', handler, { concurrency: 1 })
    await queue.wakeMany('push', ['first', 'second', 'third'])
    await soon(() => expect(started).toEqual(['first']))
    backend.relay.slam()
    release()
    const before = backend.relay.opened()
    await sleep(1_000)
    expect(backend.relay.opened() - before).toBeLessThan(60)
    expect(lines.length).toBeLessThan(20)
    await backend.relay.restore()
    await soon(() => expect(finished).toEqual(expect.arrayContaining(['second', 'third'])))
  },

  'sessions broken by the server are made anew': async ({ queue, backend, lines }) => {
    const { handler, finished } = recorder()
    await queue.work('push', handler, { concurrency: 1 })
    for (const id of ['a', 'b', 'c']) {
      await backend.dropSessions()
      await soon(() => queue.wake('push', id))
      await soon(() => expect(finished).toContain(id))
    }
    expect(lines.length).toBeLessThan(50)
  },

  'a handful of sessions serves all kinds': async ({ queue, backend }) => {
    const { handler, finished } = recorder()
    for (const kind of WORK_KINDS) await queue.work(kind, handler, { concurrency: 10 })
    const ids = Array.from({ length: 250 }, (_, index) => `connection ${index}`)
    await Promise.all(WORK_KINDS.map((kind) => queue.wakeMany(kind, ids)))
    await soon(() => expect(finished.length).toBeGreaterThan(300))
    expect(await backend.sessions()).toBeLessThanOrEqual(6)
    await soon(() => expect(finished.length).toBe(1_000))
  },

  'once closed it says so, and closing again is harmless': async ({ queue }) => {
    await queue.work('push', async () => undefined, { concurrency: 1 })
    await queue.close()
    await queue.close()
    await expect(queue.wake('push', 'a')).rejects.toMatchObject({ code: 'CSW-7004' })
    expect(await queue.ping()).toBe(false)
  },

  'it can be closed during an outage': async ({ queue, backend }) => {
    await queue.work('push', async () => undefined, { concurrency: 1 })
    await backend.relay.cut()
    const start = performance.now()
    await queue.close()
    expect(performance.now() - start).toBeLessThan(6_000)
  },
}

/** How many tests each backend has to pass. */
export const CONTRACT_SIZE = Object.keys(cases).length

/** Registers the contract for one backend. Every backend runs all of it, and says so at the end. */
export function queueContract(name: string, open: () => Promise<Backend>): void {
  describe(`queue contract on ${name}`, () => {
    let backend: Backend
    let passed = 0
    const opened: WorkQueue[] = []
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)

    beforeAll(async () => {
      process.on('unhandledRejection', note)
      backend = await open()
    })
    afterEach(async () => {
      await backend.relay.restore()
      await Promise.all(opened.splice(0).map((queue) => queue.close()))
      expect(unhandled.splice(0)).toEqual([])
    })
    afterAll(async () => {
      process.off('unhandledRejection', note)
      await backend?.close()
    })

    for (const [title, run] of Object.entries(cases)) {
      test(title, async () => {
        const target = await backend.freshTarget()
        const lines: string[] = []
        const note = (fields: Record<string, unknown>, message: string) =>
          void lines.push(`${message} ${JSON.stringify(fields)}`)
        const another = async () => {
          const queue = await openQueue(target, { log: { info: note, warn: note, error: note }, tuning: TUNING })
          opened.push(queue)
          return queue
        }
        const queue = await another()
        expect(queue.backend).toBe(backend.name)
        await run({ backend, target, queue, lines, another })
        passed += 1
      })
    }

    test('the whole contract ran', () => {
      expect(passed).toBe(CONTRACT_SIZE)
      expect(CONTRACT_SIZE).toBeGreaterThanOrEqual(25)
    })
  })
}

export type Victim = { says(line: string): Promise<void>; kill(): void }

const victims: ChildProcess[] = []
afterAll(() => {
  for (const victim of victims) victim.kill('SIGKILL')
})

/** Starts a worker process that will be killed; resolves when it works. */
export async function startVictim(target: QueueTarget, tuning: Partial<QueueTuning> = TUNING): Promise<Victim> {
  const script = new URL('./worker-process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, JSON.stringify({ target, tuning })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  victims.push(child)
  const lines: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  const says = (line: string) => soon(() => expect(lines).toContain(line), 10_000)
  await says('working')
  return { says, kill: () => void child.kill('SIGKILL') }
}
