/**
 * The sample systems as a process of their own: `node sandbox/main.ts [--data DIR] [--clock MS] [--seed N] [--port FIRST]`.
 * The first line on standard output is JSON with the environment variables; everything ends with the parent that forked it.
 */
import { parseArgs } from 'node:util'
import { SYSTEMS, startSandbox } from './start.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    clock: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '7' },
    port: { type: 'string' },
  },
})

const first = values.port === undefined ? null : Number(values.port)
const sandbox = await startSandbox({
  clockMs: Number(values.clock),
  seed: Number(values.seed),
  ...(values.data !== undefined && { dataDir: values.data }),
  ...(first !== null && { ports: Object.fromEntries(SYSTEMS.map((name, i) => [name, first === 0 ? 0 : first + i])) }),
})
process.stdout.write(`${JSON.stringify({ env: sandbox.env })}\n`)

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await sandbox.stop()
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
process.once('disconnect', stop)
