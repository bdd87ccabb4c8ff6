/** Snapshots: what a mapping gave when somebody last looked, kept as JSON beside the mapping file. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isObject, type Json, parseExact } from '../../core/index.ts'

const snapshotFileOf = (mappingFile: string, back: boolean): string =>
  mappingFile.replace(/\.ya?ml$/, back ? '.back.snapshots.json' : '.snapshots.json')

/** The snapshots of one mapping file (the way back has a file of its own), read once and written once. */
export class Snapshots {
  readonly #file: string
  readonly #known: Record<string, Json>
  readonly #used: Record<string, Json> = {}

  constructor(mappingFile: string, back: boolean) {
    this.#file = snapshotFileOf(mappingFile, back)
    const stored = existsSync(this.#file) ? parseExact(readFileSync(this.#file, 'utf8')) : {}
    this.#known = isObject(stored) ? (stored as Record<string, Json>) : {}
  }

  of(test: string): Json | undefined {
    return Object.hasOwn(this.#known, test) ? this.#known[test] : undefined
  }

  keep(test: string, value: Json): void {
    this.#used[test] = value
  }

  /** Writes what the tests of this run gave; those of tests that are gone are gone too. */
  save(): void {
    if (Object.keys(this.#used).length) writeFileSync(this.#file, `${JSON.stringify(this.#used, null, 2)}\n`)
    else if (existsSync(this.#file)) rmSync(this.#file)
  }
}
