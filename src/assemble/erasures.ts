import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject } from '../core/index.ts'
import { type Erasure, erase, eraseAgain, erasureHash, keysOf, readErasures, type Store } from '../store/index.ts'

/** Beside the database, so that an erasure outlives the restore of an older dump. Hashes only. */
const FILE = 'erasures.jsonl'

/** Who was erased, as hashes: in the ledger, in a file of the data folder, and in memory for the pulls. */
export class Erasures {
  readonly #pool: Store['pool']
  readonly #file: string
  #hashes = new Map<string, Set<string>>()

  constructor(pool: Store['pool'], dataDir: string) {
    this.#pool = pool
    this.#file = join(dataDir, FILE)
  }

  /** Reads the list; what the file knows and the ledger does not was lost in a restore, and is erased again. */
  async open(): Promise<void> {
    await this.refresh()
    const lost = (await this.#readFile()).filter(({ field, hash }) => !this.#hashes.get(field)?.has(hash))
    if (!lost.length) return
    await eraseAgain(this.#pool, lost)
    await this.refresh()
  }

  async refresh(): Promise<void> {
    const hashes = new Map<string, Set<string>>()
    for (const { field, hash } of await readErasures(this.#pool))
      hashes.set(field, (hashes.get(field) ?? new Set()).add(hash))
    this.#hashes = hashes
  }

  /** The file first: what is in it and not in the ledger is only erased once more. */
  async erase(subject: { field: string; value: string; actor: string }) {
    const line = { field: subject.field, hash: erasureHash(subject.field, subject.value), at: new Date().toISOString() }
    await appendFile(this.#file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
    const counts = await erase(this.#pool, subject)
    await this.refresh()
    return counts
  }

  /** True for a record of somebody who was erased. Costs nothing while nobody was. */
  isErased(body: Parameters<typeof keysOf>[0]): boolean {
    if (!this.#hashes.size) return false
    return keysOf(body, [...this.#hashes.keys()]).some(({ field, value }) =>
      this.#hashes.get(field)!.has(erasureHash(field, value)),
    )
  }

  async #readFile(): Promise<Erasure[]> {
    const text = await readFile(this.#file, 'utf8').catch(() => '')
    return text.split('\n').flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line)
        return isObject(entry) && typeof entry.field === 'string' && typeof entry.hash === 'string'
          ? [{ field: entry.field, hash: entry.hash }]
          : []
      } catch {
        // The last line of a process that died while it wrote.
        return []
      }
    })
  }
}
