/** Goes on from inputs that reached something new, until the time is over or one does what none may do. */
import { createHash } from 'node:crypto'
import type { Random } from '../random.ts'
import type { Coverage } from './coverage.ts'
import { mutated } from './mutate.ts'

export type Target = {
  name: string
  /** What inputs look like, where nobody kept any. */
  seeds: () => Buffer[]
  /** Throws only where the program does something that it may not do with any input. */
  run: (input: Buffer) => void | Promise<void>
}

export type Found = { input: Buffer; error: Error }
/** Longer than any input of 64 kB may take on a busy machine. */
const SLOW_MS = 5_000
/** Counters are read once for so many inputs: that takes longer than most inputs do. */
const TOGETHER = 25

/** Runs one input. */
export async function tried(target: Target, input: Buffer): Promise<Found | null> {
  const began = process.cpuUsage()
  try {
    await target.run(input)
  } catch (thrown) {
    return { input, error: thrown instanceof Error ? thrown : new Error(String(thrown)) }
  }
  const { user } = process.cpuUsage(began)
  return user / 1_000 > SLOW_MS ? { input, error: new Error(`it took ${Math.round(user / 1_000)} ms`) } : null
}

export type Outcome = { inputs: number; kept: Buffer[]; found: Found | null }

export async function fuzz(
  target: Target,
  given: { corpus: Buffer[]; random: Random; coverage: Coverage; until: () => boolean },
): Promise<Outcome> {
  const { random, coverage, until } = given
  const pool = [...given.corpus]
  const kept: Buffer[] = []
  for (const input of pool) {
    const found = await tried(target, input)
    if (found) return { inputs: 0, kept, found }
  }
  await coverage.news()
  let inputs = 0
  while (!until()) {
    const batch = Array.from({ length: TOGETHER }, () => mutated(random, random.pick(pool), random.pick(pool)))
    for (const input of batch) {
      inputs++
      const found = await tried(target, input)
      if (found) return { inputs, kept, found }
    }
    if ((await coverage.news()) === 0) continue
    // One of them; which is not worth as many readings as there are inputs.
    const chosen = batch.filter(() => random.between(0, 3) === 0)
    pool.push(...chosen)
    kept.push(...chosen)
  }
  return { inputs, kept, found: null }
}

export const fileNameOf = (input: Buffer): string => createHash('sha256').update(input).digest('hex').slice(0, 16)
