import { createGzip } from 'node:zlib'
import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D10',
  title: 'a huge or inflating answer',
  holds: ['I7'],
  promise: 'Answers have a limit that is counted after inflation; what is larger is refused without being held.',
  method:
    'Pages of 300 MB zeros, plain and as gzip. The worker grows by at most 64 MB beside its limit of 32, and reads on afterwards.',
  queue: false,
  async run(world, check) {
    const { hub, source } = world
    source.fill(20)
    const worker = await startedWorker()
    let huge = 0
    source.mishap = ({ n }) =>
      huge >= 3
        ? undefined
        : async (response) => {
            huge++
            const zipped = n % 2 === 0
            response.writeHead(200, {
              'content-type': 'application/json',
              ...(zipped ? { 'content-encoding': 'gzip' } : {}),
            })
            const out = zipped ? createGzip() : response
            if (out !== response) (out as ReturnType<typeof createGzip>).pipe(response)
            const megabyte = Buffer.alloc(1024 * 1024, 0x20)
            for (let sent = 0; sent < 300 && !response.destroyed; sent++)
              if (!out.write(megabyte)) await Promise.race([drained(out), closed(response)])
            out.end()
          }
    const before = worker.residentMB()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, worker.residentMB())
    }, 20)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    clearInterval(watch)
    check.atLeast('huge answers', huge, 1)
    check.atMost('growth, MB', most - before, 128)

    async function startedWorker() {
      await hub.serve()
      return hub.work()
    }
  },
}

const drained = (out: NodeJS.WritableStream): Promise<void> => new Promise((done) => out.once('drain', done))
const closed = (out: NodeJS.WritableStream): Promise<void> => new Promise((done) => out.once('close', done))
