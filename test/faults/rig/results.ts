import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Backend } from './world.ts'

export type Result = {
  row: string
  backend: Backend
  seed: number
  short: boolean
  /** Factor on the bars in time, on a machine that was busy; none = as promised. */
  patience?: number
  commit: string
  at: string
  seconds: number
  passed: boolean
  failures: string[]
  measures: Record<string, number | string>
}

/** Results as JSON lines: written as they come, so that a campaign cut short is not lost. */
export class ResultFile {
  readonly #path: string
  readonly #before: Result[]

  private constructor(path: string, before: Result[]) {
    this.#path = path
    this.#before = before
  }

  static async open(path: string, resume: boolean): Promise<ResultFile> {
    return new ResultFile(path, resume && existsSync(path) ? readResults(path) : [])
  }

  /** True when this was passed before, at the same commit and seed. */
  has({
    row,
    backend,
    seed,
    commit,
    short,
  }: Omit<Result, 'at' | 'patience' | 'seconds' | 'passed' | 'failures' | 'measures'>): boolean {
    return this.#before.some(
      (result) =>
        result.passed &&
        result.row === row &&
        result.backend === backend &&
        result.seed === seed &&
        result.commit === commit &&
        result.short === short,
    )
  }

  add(result: Result): void {
    appendFileSync(this.#path, `${JSON.stringify(result)}\n`)
  }
}

export const readResults = (path: string): Result[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result)

/** The commit under test; with a mark when files differ from it. */
export function currentCommit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    return `${git('rev-parse', '--short=10', 'HEAD')}${git('status', '--porcelain', 'src', 'workers', 'sandbox') ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
