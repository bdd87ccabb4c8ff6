/** Files of the machine the hub runs on: plain files below one folder. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { type LockFolder, withLock } from './lock.ts'
import {
  changedMeanwhile,
  type Draft,
  type FilePlace,
  fileFailure,
  type OpenedFile,
  outside,
  partsOf,
} from './place.ts'

/**
 * The place of a file below `root`. Refuses (CSW-2051) absolute names, `..`, and links that lead out of the folder. The file
 * itself need not exist; with `create`, missing folders on the way are made.
 */
export async function localPlace(root: string, name: string, options: { create?: boolean } = {}): Promise<LocalFile> {
  const parts = partsOf(name)
  if (path.isAbsolute(name)) throw outside(name, 'it is not a plain relative name')
  const top = await realpath(path.resolve(root)).catch((error) => Promise.reject(fileFailure(error, 'its folder')))
  const parent = path.dirname(path.join(top, name))
  await makeParents(top, parent, name, options.create === true)
  const folder = await realpath(parent).catch((error) => Promise.reject(fileFailure(error, name)))
  if (!isInside(top, folder)) throw outside(name, 'a link on its way leads out of the folder')
  const target = path.join(folder, parts.at(-1) ?? '')
  const real = await realpath(target).catch((error) => {
    if (error.code === 'ENOENT') return target
    throw fileFailure(error, name)
  })
  if (!isInside(top, real)) throw outside(name, 'it is a link that leads out of the folder')
  return new LocalFile(name, real)
}

/** Makes missing folders one by one, so that none is made through a link that leads out. */
async function makeParents(top: string, parent: string, name: string, create: boolean): Promise<void> {
  if (!create) return
  let at = top
  for (const part of path.relative(top, parent).split(path.sep).filter(Boolean)) {
    at = path.join(at, part)
    await mkdir(at).catch((error) => {
      if (error.code !== 'EEXIST') throw fileFailure(error, name)
    })
    if (!isInside(top, await realpath(at))) throw outside(name, 'a link on its way leads out of the folder')
  }
}

const isInside = (top: string, candidate: string): boolean =>
  candidate === top || candidate.startsWith(top.endsWith(path.sep) ? top : top + path.sep)

class LocalFile implements FilePlace {
  readonly name: string
  readonly shown: string
  /** Free of links, so what is opened is what was checked. */
  readonly real: string

  constructor(name: string, real: string) {
    this.name = name
    this.shown = `file:${name}`
    this.real = real
  }

  /** Refuses devices, pipes and folders. */
  async open(): Promise<OpenedLocal | null> {
    const absent = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw fileFailure(error, this.name)
    }
    // Looked at before it is opened: opening a pipe would wait for its writer.
    const found = await stat(this.real).catch(absent)
    if (found === null) return null
    if (!found.isFile()) throw outside(this.name, 'it is not a plain file')
    const handle = await open(this.real, 'r').catch(absent)
    return handle && new OpenedLocal(handle, await handle.stat())
  }

  alone<T>(waitMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const folder = localFolder(path.dirname(this.real))
    return withLock({ key: this.real, base: path.basename(this.real), name: this.name, folder }, waitMs, signal, work)
  }

  async draft(old: OpenedFile | null, { copy }: { copy: boolean }): Promise<Draft> {
    const folder = path.dirname(this.real)
    const prefix = `.${path.basename(this.real)}.tmp-`
    // Drafts of writers that died: we hold the lock, so nobody is at work on them.
    for (const name of await readdir(folder))
      if (name.startsWith(prefix)) await unlink(path.join(folder, name)).catch(() => {})
    const file = path.join(folder, prefix + randomUUID())
    if (copy) await copyFile(this.real, file, constants.COPYFILE_FICLONE)
    const mode = old instanceof OpenedLocal ? old.mode : 0o644
    return new LocalDraft(this, file, await open(file, copy ? 'a' : 'wx', mode))
  }

  async close(): Promise<void> {}
}

class OpenedLocal implements OpenedFile {
  readonly exact = true
  readonly size: number
  readonly mode: number
  private readonly handle: FileHandle

  constructor(handle: FileHandle, found: { size: number; mode: number }) {
    this.handle = handle
    this.size = found.size
    this.mode = found.mode & 0o777
  }

  async read(into: Buffer, at: number): Promise<number> {
    return (await this.handle.read(into, 0, into.length, at)).bytesRead
  }

  /** A rewrite by rename changes the inode, an append the size and the time. */
  async fingerprint(): Promise<string> {
    const { ino, size, mtimeNs } = await this.handle.stat({ bigint: true })
    return `${ino}:${size}:${mtimeNs}`
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

/** A new file beside the old one, flushed, and renamed over it: a crash leaves the old file or the new one. */
class LocalDraft implements Draft {
  private readonly place: LocalFile
  private readonly file: string
  private readonly handle: FileHandle
  private open = true

  constructor(place: LocalFile, file: string, handle: FileHandle) {
    this.place = place
    this.file = file
    this.handle = handle
  }

  async write(text: string): Promise<void> {
    await this.handle.writeFile(text)
  }

  async publish(before: string | null): Promise<void> {
    await this.handle.sync()
    await this.end()
    const found = await this.place.open()
    const now = found && (await found.fingerprint())
    await found?.close()
    if (now !== before) throw changedMeanwhile(this.place.name)
    await rename(this.file, this.place.real)
    await flushFolder(path.dirname(this.place.real))
  }

  async discard(): Promise<void> {
    await this.end()
    await unlink(this.file).catch(() => {})
  }

  private async end(): Promise<void> {
    if (this.open) await this.handle.close()
    this.open = false
  }
}

/** The rename itself must survive a power cut. Not every file system lets a folder be flushed. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

const localFolder = (folder: string): LockFolder => ({
  list: () => readdir(folder),
  signOfLife: async (file) => (await stat(path.join(folder, file))).mtimeMs,
  make: (file) => writeFile(path.join(folder, file), '', { flag: 'wx' }),
  touch: (file) => utimes(path.join(folder, file), new Date(), new Date()),
  remove: (file) => unlink(path.join(folder, file)),
})
