import { writeSync } from 'node:fs'

/** Runs the job on the word of the bench and tells it the wall time; everything before (boot, JIT of imports) does not count. */
export async function report(job: () => Promise<void>): Promise<void> {
  const go = new Promise<void>((resolve) => process.once('message', () => resolve()))
  process.send!('ready')
  await go
  const began = performance.now()
  await job()
  process.send!({ ms: performance.now() - began })
  process.disconnect()
  writeSync(1, '')
}
