/** A worker in a process of its own, to be killed. Takes a target as JSON, works on `pull` and never finishes. */
import { openQueue, type QueueTuning } from '../../src/queue/index.ts'

const { target, tuning } = JSON.parse(process.argv[2] ?? '') as {
  target: Parameters<typeof openQueue>[0]
  tuning: Partial<QueueTuning>
}
const silent = { info() {}, warn() {}, error() {} }
const queue = await openQueue(target, { log: silent, tuning })
await queue.work(
  'pull',
  (id) => {
    process.stdout.write(`started ${id}\n`)
    return new Promise(() => undefined)
  },
  { concurrency: 1 },
)
process.stdout.write('working\n')
