import type { Ledgers } from './ledgers.ts'
import { patient } from './waiting.ts'
import type { Backend, World, WorldOptions } from './world.ts'

type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12' | 'I13'

/** How hard to try. Full is for a night, short for every change. */
export type Size = { short: boolean; kills: number | undefined }

/** One fault: what is set up, what is broken, what must hold. */
export type Row = {
  id: string
  title: string
  holds: Invariant[]
  /** What the hub promises, in words for `docs/guarantees.md`. */
  promise: string
  /** How it is broken and what counts as a pass. */
  method: string
  /** False where the queue plays no part: one backend is enough for the short form. */
  queue?: boolean
  /** The only backend that has this fault. */
  only?: Backend
  world?: WorldOptions
  /** Why the row cannot run here, or undefined. */
  missing?: () => string | undefined
  run: (world: World, check: Check, size: Size) => Promise<void>
}

/** Collects what was measured and what did not hold; a row goes on after the first failure, so that one run tells all. */
export class Check {
  readonly failures: string[] = []
  readonly measures: Record<string, number | string> = {}

  /** Notes a figure without a bar. */
  note(name: string, value: number | string): void {
    this.measures[name] = typeof value === 'number' ? Math.round(value * 100) / 100 : value
  }

  equal<T extends number | string | boolean>(name: string, actual: T, wanted: T): void {
    if (typeof actual !== 'boolean') this.note(name, actual)
    if (actual !== wanted) this.failures.push(`${name} is ${actual}, must be ${wanted}`)
  }

  atMost(name: string, actual: number, bar: number): void {
    this.note(name, actual)
    if (!(actual <= bar)) this.failures.push(`${name} is ${actual}, must be at most ${bar}`)
  }

  /** A time in milliseconds, which a busy machine may stretch. */
  within(name: string, ms: number, bar: number): void {
    this.atMost(`${name}, ms`, Math.round(ms), patient(bar))
  }

  atLeast(name: string, actual: number, bar: number): void {
    this.note(name, actual)
    if (!(actual >= bar)) this.failures.push(`${name} is ${actual}, must be at least ${bar}`)
  }

  ledgers({ examples, ...counts }: Ledgers): void {
    for (const [name, count] of Object.entries(counts)) this.equal(name, count, 0)
    this.failures.push(...examples)
  }
}
