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

test('work that does not end is left behind after the time that it was given', async () => {
  const program = `
    import { endInTime } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli/close-in-time.ts'))}
    setInterval(() => {}, 1_000)
    const logger = { warn: (about, text) => console.log(JSON.stringify(about), text) }
    endInTime({ settings: { shutdown_seconds: 1 }, logger })()
    console.log('called off')
    endInTime({ settings: { shutdown_seconds: 1 }, logger })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(0)
  expect(said.split('\n')).toEqual([
    'called off',
    '{"seconds":1} work under way did not finish in time and is left to others',
    '',
  ])
})
