import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, type JsonObject } from '../core/index.ts'
import {
  type Erasure,
  ErasureKeys,
  erase,
  eraseAgain,
  isBareHash,
  keyBareErasures,
  keysOf,
  readErasures,
  readSealedErasureKeys,
  restoreErasureKeys,
  type SealedErasureKey,
  type SecretStore,
  type Store,
} from '../store/index.ts'

/** Beside the database, so that an erasure outlives the restore of an older dump. Keyed hashes and sealed keys only. */
const FILE = 'erasures.jsonl'

/** Who was erased, as keyed hashes: in the ledger, in a file of the data folder, and in memory for the pulls. */
export class Erasures {
  readonly #pool: Store['pool']
  readonly #secrets: SecretStore
  readonly #file: string
  #hashes = new Map<string, Set<string>>()
  #keys: ErasureKeys | undefined

  constructor(pool: Store['pool'], secrets: SecretStore, dataDir: string) {
    this.#pool = pool
    this.#secrets = secrets
    this.#file = join(dataDir, FILE)
  }

  /** Reads the list; what the file knows and the ledger does not was lost in a restore, and is erased again. */
  async open(): Promise<void> {
    const lines = await this.#readFile()
    await restoreErasureKeys(this.#pool, lines.flatMap(keyIn))
    await this.refresh()
    await this.#giveKeys(lines)
    const known = (await this.#readFile()).flatMap(erasureIn)
    const lost = known.filter(({ field, hash }) => !this.#hashes.get(field)?.has(hash))
    if (!lost.length) return
    await eraseAgain(this.#pool, this.#keys!, lost)
    await this.refresh()
  }

  async refresh(): Promise<void> {
    let list = await readErasures(this.#pool)
    if (list.some(({ hash }) => isBareHash(hash))) {
      // Of former versions, which gave them no key.
      this.#keys = await this.#openKeys(true)
      await keyBareErasures(this.#pool, this.#keys)
      list = await readErasures(this.#pool)
    }
    const hashes = new Map<string, Set<string>>()
    for (const { field, hash } of list) hashes.set(field, (hashes.get(field) ?? new Set()).add(hash))
    const keys = this.#keys
    if (!keys || list.some(({ hash }) => !keys.knows(hash))) this.#keys = await this.#openKeys(false)
    this.#hashes = hashes
  }

  /** Keeps the keys in the form in which they are sealed now: after a change of the master key the former one opens no more. */
  async keepKeys(): Promise<void> {
    const lines = await this.#readFile()
    const unsaved = await this.#unsavedKeys(lines)
    if (lines.length && unsaved.length) await this.#append(unsaved)
  }

  /** The file first: what is in it and not in the ledger is only erased once more. */
  async erase(subject: { field: string; value: string; actor: string }) {
    if (!this.#keys || this.#keys.isEmpty) this.#keys = await this.#openKeys(true)
    const keys = this.#keys
    const hash = keys.hash(subject.field, subject.value)
    await this.#append([
      ...(await this.#unsavedKeys(await this.#readFile())),
      { field: subject.field, hash, at: new Date().toISOString() },
    ])
    const counts = await erase(this.#pool, keys, subject)
    await this.refresh()
    return { ...counts, hash }
  }

  /** True for a record of somebody who was erased. Costs nothing while nobody was. */
  isErased(body: Parameters<typeof keysOf>[0]): boolean {
    if (!this.#hashes.size) return false
    return keysOf(body, [...this.#hashes.keys()]).some(({ field, value }) =>
      this.#keys!.hashes(field, value).some((hash) => this.#hashes.get(field)!.has(hash)),
    )
  }

  /** Makes the key that hashes of streams not kept in full need. */
  async prepare(): Promise<void> {
    if (!this.#keys || this.#keys.isEmpty) this.#keys = await this.#openKeys(true)
  }

  readonly hash = (field: string, value: string): string => this.#keys!.hash(field, value)
  readonly hashes = (field: string, value: string): string[] => this.#keys!.hashes(field, value)

  #openKeys(make: boolean): Promise<ErasureKeys> {
    return ErasureKeys.open(this.#pool, this.#secrets, { make })
  }

  /** The same for the file, which also keeps the keys, sealed as the ledger has them. */
  async #giveKeys(lines: JsonObject[]): Promise<void> {
    const bare = lines.flatMap(erasureIn).some(({ hash }) => isBareHash(hash))
    if (bare) this.#keys = await this.#openKeys(true)
    const keys = this.#keys!
    const unsaved = await this.#unsavedKeys(lines)
    if (!bare) {
      if (unsaved.length && lines.length) await this.#append(unsaved)
      return
    }
    const keyed = lines.map((line) =>
      erasureIn(line).some(({ hash }) => isBareHash(hash)) ? { ...line, hash: keys.keyed(line.hash as string) } : line,
    )
    await writeFile(`${this.#file}.new`, toText([...unsaved, ...keyed]), { mode: 0o600 })
    await rename(`${this.#file}.new`, this.#file)
  }

  /** Keys that the file does not have in the form in which they are sealed now. */
  async #unsavedKeys(lines: JsonObject[]): Promise<SealedErasureKey[]> {
    const saved = new Set(lines.flatMap(keyIn).map(({ field, keyId }) => `${field} ${keyId}`))
    return (await readSealedErasureKeys(this.#pool)).filter(({ field, keyId }) => !saved.has(`${field} ${keyId}`))
  }

  async #append(lines: object[]): Promise<void> {
    // The last line may be that of a process that died while it wrote.
    await appendFile(this.#file, `\n${toText(lines)}`, { mode: 0o600 })
  }

  async #readFile(): Promise<JsonObject[]> {
    return linesOf(await readFile(this.#file, 'utf8').catch(() => ''))
  }
}

/** Without a last line that was cut off. */
const linesOf = (text: string): JsonObject[] =>
  text.split('\n').flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line)
      return isObject(entry) ? [entry as JsonObject] : []
    } catch {
      return []
    }
  })

const toText = (lines: object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** What the list of a data folder says was erased; null where there is no list. */
export async function listedErasures(dataDir: string): Promise<Erasure[] | null> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => null)
  return text === null ? null : linesOf(text).flatMap(erasureIn)
}

const erasureIn = ({ field, hash }: JsonObject): Erasure[] =>
  typeof field === 'string' && typeof hash === 'string' ? [{ field, hash }] : []

const keyIn = ({ field, sealed, keyId }: JsonObject): SealedErasureKey[] =>
  typeof field === 'string' && typeof sealed === 'string' && typeof keyId === 'string' ? [{ field, sealed, keyId }] : []
