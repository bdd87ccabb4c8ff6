import { inspect, isDeepStrictEqual } from 'node:util'

/** Collects checks, so that one failure does not hide what comes after it. */
export class Report {
  passed = 0
  failed = 0
  private readonly began = performance.now()
  private readonly parts: { title: string; ms: number }[] = []

  section(title: string): void {
    const seconds = ((performance.now() - this.began) / 1000).toFixed(1)
    process.stdout.write(`\n${title} (after ${seconds} s)\n`)
  }

  equal(what: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) {
      this.passed++
      process.stdout.write(`  ok   ${what}\n`)
      return
    }
    this.failed++
    const [wanted, got] = differing(expected, actual)
    const show = (value: unknown) =>
      inspect(value, { depth: 6, breakLength: 160, maxArrayLength: 12, maxStringLength: 400 })
    process.stdout.write(`  FAIL ${what}\n       expected ${show(wanted)}\n       got      ${show(got)}\n`)
  }

  /** A part whose own code fails counts as one failure. */
  async part(title: string, work: () => Promise<void>): Promise<void> {
    this.section(title)
    const began = performance.now()
    try {
      await work()
    } catch (error) {
      this.failed++
      process.stdout.write(`  FAIL ${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
    }
    this.parts.push({ title, ms: performance.now() - began })
  }

  /** What each part took, then the sums. */
  end(): void {
    process.stdout.write('\n')
    for (const { title, ms } of this.parts) process.stdout.write(`${(ms / 1000).toFixed(1).padStart(8)} s  ${title}\n`)
    process.stdout.write(`\n${this.passed} passed, ${this.failed} failed\n`)
    if (this.failed) process.exitCode = 1
  }
}

/** Of two large objects, only the first few entries that differ. */
function differing(expected: unknown, actual: unknown): [unknown, unknown] {
  if (!isTable(expected) || !isTable(actual)) return [expected, actual]
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
  const first = keys.filter((key) => !isDeepStrictEqual(expected[key], actual[key])).slice(0, 5)
  const part = (table: Record<string, unknown>) => Object.fromEntries(first.map((key) => [key, table[key]]))
  return [part(expected), part(actual)]
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
