import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openQueue, type QueueTuning, type WorkQueue } from '../../src/queue/index.ts'
import type { Backend } from './backends.ts'
import { TUNING } from './bench.ts'
import { troubleCases } from './contract-trouble.ts'
import { workCases } from './contract-work.ts'

const cases = { ...workCases, ...troubleCases }

/** How many tests each backend has to pass. */
const CONTRACT_SIZE = Object.keys(cases).length

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
        const another = async (tuning: Partial<QueueTuning> = {}) => {
          const log = { info: note, warn: note, error: note }
          const queue = await openQueue(target, { log, tuning: { ...TUNING, ...tuning } })
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
