import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { WORK_KINDS } from '../../src/queue/index.ts'
import { type Cases, recorder, soon } from './bench.ts'
import { startVictim } from './victim.ts'

/** The contract when processes, connections or the backend go away. */
export const troubleCases: Cases = {
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
    // A call for work whose own job was lost and that ends in this moment may be lost with it; a sweep finds that work.
    await soon(() => expect([...finished].sort()).toEqual(['new', 'running']))
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
    await soon(() => expect(finished).toEqual(expect.arrayContaining(['due in the dark', 'running'])))
    await queue.wake('push', 'new')
    await soon(() => expect(finished).toContain('new'))
    expect(await queue.ping()).toBe(true)
  },

  'a backend that stays silent holds nobody up, and dead connections are given up': async ({ another, backend }) => {
    const queue = await another({ callTimeoutMs: 700 })
    const { handler, finished } = recorder()
    await queue.work('push', handler, { concurrency: 1 })
    backend.relay.silence()
    const start = performance.now()
    const ping = queue.ping()
    await expect(queue.wake('push', 'a')).rejects.toMatchObject({ code: 'CSW-7001' })
    expect(await ping).toBe(false)
    expect(performance.now() - start).toBeLessThan(60_000)
    // New connections work again; the old ones are open and dead.
    await backend.relay.restore()
    await soon(() => queue.wake('push', 'b'))
    await soon(() => expect(finished).toContain('b'))
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
    const recorders = WORK_KINDS.map(() => recorder())
    for (const [i, kind] of WORK_KINDS.entries()) await queue.work(kind, recorders[i]!.handler, { concurrency: 10 })
    const ids = Array.from({ length: 250 }, (_, index) => `connection ${index}`)
    await Promise.all(WORK_KINDS.map((kind) => queue.wakeMany(kind, ids)))
    // Each at least once: where a machine is too busy to renew a lock, a job is handed out again.
    const done = (): number => recorders.reduce((sum, { finished }) => sum + new Set(finished).size, 0)
    await soon(() => expect(done()).toBeGreaterThan(300))
    expect(await backend.sessions()).toBeLessThanOrEqual(6)
    await soon(() => expect(done()).toBe(WORK_KINDS.length * ids.length))
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
