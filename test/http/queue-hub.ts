/** A hub before a real queue that has a running and a failed job. */
import type pg from 'pg'
import { expect, vi } from 'vitest'
import { migrateQueue, openQueue, type WorkQueue } from '../../src/queue/index.ts'
import { freshDatabase } from '../postgres.ts'
import { startHub, type TestHub } from './hub.ts'

export type QueueHub = TestHub & { queue: WorkQueue; jobs: pg.Pool; failedJob(): Promise<string>; reads(): number }

export async function openQueueOf(): Promise<{ queue: WorkQueue; jobs: pg.Pool; end(): Promise<void> }> {
  const { url, pool } = await freshDatabase({ migrated: false })
  const target = { backend: 'postgres' as const, connectionString: url }
  await migrateQueue(target)
  const log = { info() {}, warn() {}, error() {} }
  const queue = await openQueue(target, { log, tuning: { crashAttempts: 1 } })
  let release = (): void => undefined
  const held = new Promise<void>((done) => {
    release = done
  })
  const work = async (id: string): Promise<void> => {
    if (id === 'broken') throw new Error('the body of ada@example.org')
    await held
  }
  await queue.work('push', work, { concurrency: 2 })
  await queue.wakeMany('push', ['broken', 'busy'])
  const state = () => queue.backlog('push')
  await vi.waitFor(async () => expect(await state()).toMatchObject({ active: 1, failed: 1 }), {
    timeout: 60_000,
    interval: 100,
  })
  return {
    queue,
    jobs: pool,
    end: () => {
      release()
      return queue.close()
    },
  }
}

export async function openBoardHub(): Promise<QueueHub> {
  const { queue, jobs, end } = await openQueueOf()
  let reads = 0
  const readQueueBoard: QueueHub['queue']['readBoard'] = (path, query) => {
    reads++
    return queue.readBoard(path, query)
  }
  const hub = await startHub({ services: { readQueueBoard } })
  return {
    ...hub,
    queue,
    jobs,
    reads: () => reads,
    failedJob: async () => {
      const query = { activeQueue: 'push', status: 'failed', page: '1', jobsPerPage: '10' }
      const { body } = (await queue.readBoard('/queues', query)) as {
        body: { queues: { name: string; jobs: { id: string }[] }[] }
      }
      return body.queues.find(({ name }) => name === 'push')!.jobs[0]!.id
    },
    close: async () => {
      await hub.close()
      await end()
    },
  }
}
