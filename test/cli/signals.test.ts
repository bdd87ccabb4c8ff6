import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

/** Needs more than a second for an orderly stop. */
const SLOW = `
  import { untilStopped } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli/signals.ts'))}
  const alive = setInterval(() => {}, 1_000)
  const stopped = untilStopped()
  console.log('ready')
  await stopped.signal
  setTimeout(() => clearInterval(alive), 1_500)`

async function interrupted(...waits: number[]): Promise<number | null> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SLOW], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const gone = once(child, 'exit')
  for (const ms of waits) {
    await sleep(ms)
    child.kill('SIGINT')
  }
  const [code] = (await gone) as [number | null]
  return code
}

test('one ctrl-c that arrives twice is one: the stop stays orderly', async () => {
  expect(await interrupted(0, 50)).toBe(0)
})

test('a second ctrl-c ends at once', async () => {
  expect(await interrupted(0, 700)).toBe(130)
})
