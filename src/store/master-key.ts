import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { CausewayError, newId } from '../core/index.ts'

export type MasterKey = { id: string; key: Buffer }

/** The key new secrets are sealed with, and older ones that stored secrets may still need. */
export type KeyRing = { current: MasterKey; all: ReadonlyMap<string, MasterKey> }

/** Has 30 s unless told otherwise. */
type Command = { line: string; folder: string; withinMs?: number }

export type MasterKeySource = {
  /** `CAUSEWAY_MASTER_KEY`: 32 bytes in base64 or hex; several, separated by commas or blanks, the current one first. */
  value?: string | undefined
  /** Prints the same; run by the shell in `folder`, when there is no value. */
  command?: Command | undefined
  /** Used when there is neither; made, for its owner only, when it does not exist. Same form. */
  file: string
}

const BYTES = 32

/** The master keys of this process. In a file, they are those of all processes that share its folder. */
export class MasterKeys {
  readonly #source: MasterKeySource
  #ring: KeyRing
  #seen: string

  private constructor(source: MasterKeySource, ring: KeyRing, seen: string) {
    this.#source = source
    this.#ring = ring
    this.#seen = seen
  }

  /** From the setting or the file; makes the file at first use. Throws CSW-6008 when it is unusable. */
  static async load(source: MasterKeySource): Promise<MasterKeys> {
    if (source.value?.trim()) return new MasterKeys(source, parseKeys(source.value, 'CAUSEWAY_MASTER_KEY'), '')
    if (source.command)
      return new MasterKeys(source, parseKeys(await outputOf(source.command), 'the output of master_key_command'), '')
    const text = await readKeyFile(source.file)
    const ring = text === undefined ? await createKeyFile(source.file) : parseKeys(text, source.file)
    return new MasterKeys(source, ring, await markOf(source.file))
  }

  get inFile(): boolean {
    return !this.#source.value?.trim() && !this.#source.command
  }

  /** As they were when they were last read. */
  now(): KeyRing {
    return this.#ring
  }

  /** As they are: another process may have rotated. */
  async fresh(): Promise<KeyRing> {
    if (!this.inFile) return this.#ring
    const mark = await markOf(this.#source.file)
    if (mark !== this.#seen) {
      this.#ring = parseKeys((await readKeyFile(this.#source.file)) ?? '', this.#source.file)
      this.#seen = mark
    }
    return this.#ring
  }

  /** Puts a new key in front of the file's keys. */
  async add(): Promise<KeyRing> {
    await writeKeyFile(this.#source.file, `${newKeyText()}\n${(await readKeyFile(this.#source.file)) ?? ''}`)
    return this.fresh()
  }

  /** Leaves only the current key in the file: nothing may be sealed with another one any more. */
  async dropOld(): Promise<void> {
    const { current } = await this.fresh()
    await writeKeyFile(this.#source.file, `${current.key.toString('base64')}\n`)
    await this.fresh()
  }
}

const COMMAND_MS = 30_000

/** What the command says is a secret, also where it fails: only how it ended is told. */
async function outputOf({ line, folder, withinMs = COMMAND_MS }: Command): Promise<string> {
  // One that does not heed a request to end would hold up the start for as long as it likes.
  const bounds = { timeout: withinMs, killSignal: 'SIGKILL' } as const
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line], { cwd: folder, ...bounds })
    return stdout
  } catch (error) {
    const { code, killed } = error as { code?: number | string; killed?: boolean }
    const how = killed ? `did not end within ${withinMs / 1_000} s` : `ended with ${code ?? 'a signal'}`
    throw new CausewayError('CSW-6008', {
      what: `The command that prints the master key ${how}.`,
      fix: 'Run the line of `master_key_command` in the hub folder, as the user of the hub, and mend what it says.',
    })
  }
}

/** Changes with every rewriting: the file is replaced, never edited. */
async function markOf(file: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(file)
  return `${ino} ${mtimeMs} ${size}`
}

const newKeyText = (): string => randomBytes(BYTES).toString('base64')

/** A name for a key that tells nothing about it. */
const keyId = (key: Buffer): string =>
  createHash('sha256').update('causeway master key').update(key).digest('hex').slice(0, 12)

function parseKeys(text: string, from: string): KeyRing {
  const keys = text
    .split(/[\s,]+/)
    .filter((item) => item !== '')
    .map((item): MasterKey => {
      const key = /^[0-9a-f]{64}$/i.test(item) ? Buffer.from(item, 'hex') : Buffer.from(item, 'base64')
      if (key.length !== BYTES || !/^[\w+/=-]+$/.test(item)) {
        throw new CausewayError('CSW-6008', { what: `A key in ${from} is not 32 bytes in base64 or hex.` })
      }
      return { id: keyId(key), key }
    })
  const current = keys[0]
  if (!current) throw new CausewayError('CSW-6008', { what: `There is no key in ${from}.` })
  return { current, all: new Map(keys.map((key) => [key.id, key])) }
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    // The group may read it: secrets mounted by Kubernetes come that way.
    if ((await stat(file)).mode & 0o007) {
      throw new CausewayError('CSW-6008', {
        what: `The master key file ${file} can be read or written by every user of this machine.`,
        fix: `Run: chmod 600 ${file}`,
      })
    }
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function createKeyFile(file: string): Promise<KeyRing> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = await writeDraft(file, `${newKeyText()}\n`)
  try {
    await link(draft, file)
  } catch (error) {
    // Another process was first; its key counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return parseKeys((await readKeyFile(file))!, file)
}

async function writeKeyFile(file: string, text: string): Promise<void> {
  await rename(await writeDraft(file, text), file)
}

/** Synced to disk before it takes the file's place: losing this file means losing every stored secret. */
async function writeDraft(file: string, text: string): Promise<string> {
  const draft = `${file}.${newId()}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return draft
}
