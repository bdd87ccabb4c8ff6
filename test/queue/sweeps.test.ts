import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type Sweep, startSweeps } from '../../src/queue/index.ts'

const PATIENT = { timeout: 60_000, interval: 20 }
const logged: { level: string; fields: Record<string, unknown> }[] = []
const note = (level: string) => (fields: Record<string, unknown>) => void logged.push({ level, fields })
const log = { info: note('info'), warn: note('warn'), error: note('error') }

test('each sweep comes round on its own timer, a failing one too', async () => {
  const rounds = { fast: 0, slow: 0, failing: 0 }
  const count = (name: 'fast' | 'slow') => async () => {
    rounds[name] += 1
  }
  const sweeps: Sweep[] = [
    { name: 'fast', everyMs: 20, run: count('fast') },
    { name: 'slow', everyMs: 5_000, run: count('slow') },
    {
      name: 'failing',
      everyMs: 20,
      run: async () => {
        rounds.failing += 1
        throw new Error('table is gone')
      },
    },
  ]
  const running = startSweeps(sweeps, { log, random: () => 0.01 })
  await vi.waitFor(() => expect(Math.min(rounds.fast, rounds.failing)).toBeGreaterThan(5), PATIENT)
  await running.stop()
  expect(rounds.slow).toBe(1)
  const failures = logged.filter(({ fields }) => fields.sweep === 'failing')
  expect(failures.length).toBe(rounds.failing)
  expect(failures[0]).toMatchObject({ level: 'error', fields: { code: 'CSW-1001' } })
})

test('a sweep never overlaps itself', async () => {
  let inside = 0
  let most = 0
  let rounds = 0
  const run = async () => {
    inside += 1
    most = Math.max(most, inside)
    await sleep(30)
    inside -= 1
    rounds += 1
  }
  const running = startSweeps([{ name: 'long', everyMs: 1, run }], { log })
  await vi.waitFor(() => expect(rounds).toBeGreaterThan(3), PATIENT)
  await running.stop()
  expect(most).toBe(1)
})

test('stop tells a running sweep, waits for it, and none comes after', async () => {
  let rounds = 0
  let ended = false
  const run = async (signal: AbortSignal) => {
    rounds += 1
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await sleep(30)
    ended = true
  }
  const running = startSweeps([{ name: 'long', everyMs: 1, run }], { log })
  await vi.waitFor(() => expect(rounds).toBe(1), PATIENT)
  await running.stop()
  expect(ended).toBe(true)
  await sleep(50)
  expect(rounds).toBe(1)
})

test('stop does not wait for the next round', async () => {
  const running = startSweeps([{ name: 'rare', everyMs: 3_600_000, run: async () => undefined }], { log })
  const start = performance.now()
  await running.stop()
  expect(performance.now() - start).toBeLessThan(60_000)
})

test('the first round comes soon, and rounds are spread', async () => {
  vi.useFakeTimers()
  try {
    const at: number[] = []
    const start = Date.now()
    const run = async () => void at.push(Date.now() - start)
    const rolls = [0.5, 0, 1, 0.5]
    const running = startSweeps([{ name: 'rare', everyMs: 60_000, run }], { log, random: () => rolls.shift() ?? 0.5 })
    await vi.advanceTimersByTimeAsync(200_000)
    expect(at).toEqual([1_000, 55_000, 121_000, 181_000])
    await running.stop()
  } finally {
    vi.useRealTimers()
  }
})
