/** One worker of many: calls as fast as it is let, until it is told to stop, and says how often. */
import { createOutbound, SharedQuotaGate } from '../../src/outbound/index.ts'
import { createPool, QuotaBook } from '../../src/store/index.ts'

const [database, url, units, seconds, concurrent] = process.argv.slice(2) as [string, string, string, string, string]
const pool = createPool(database, { max: 2 })
const outbound = createOutbound({
  connection: 'target',
  allow: ['127.0.0.1'],
  maxConcurrent: Number(concurrent),
  buckets: [
    { name: 'burst', units: Number(units), seconds: Number(seconds), refill: 'window', scope: null, always: true },
  ],
  gate: (quota) => new SharedQuotaGate(quota, new QuotaBook(pool)),
})
const stop = new AbortController()
let done = 0
const caller = async (): Promise<void> => {
  while (!stop.signal.aborted)
    await outbound.request({ url, signal: stop.signal }).then(
      () => done++,
      () => {},
    )
}
process.on('SIGTERM', () => stop.abort())
process.send?.('ready')
await Promise.all(Array.from({ length: Number(concurrent) }, caller))
outbound.close()
await pool.end()
process.send?.(done)
process.disconnect?.()
