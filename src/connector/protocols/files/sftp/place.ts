/** Files of an SFTP server, below one folder. */
import { randomUUID } from 'node:crypto'
import path from 'node:path/posix'
import type { Attributes, Stats } from 'ssh2'
import { CausewayError } from '../../../../core/index.ts'
import { type LockFolder, withLock } from '../lock.ts'
import {
  changedMeanwhile,
  type Draft,
  type FilePlace,
  fileFailure,
  type OpenedFile,
  outside,
  partsOf,
} from '../place.ts'
import type { SftpConnection } from './connection.ts'

const CHUNK = 256 * 1024

/**
 * The place of a file below `root`. The same rules as for local files: no absolute names, no `..`, no link that leads out.
 * With `create`, missing folders on the way are made. The connection belongs to the place from then on.
 */
export async function sftpPlace(
  connection: SftpConnection,
  root: string,
  name: string,
  options: { create?: boolean } = {},
): Promise<FilePlace> {
  const parts = partsOf(name)
  const real = (at: string) => connection.call<string>((sftp, done) => sftp.realpath(at, done))
  try {
    const top = await real(root)
    let folder = top
    for (const part of parts.slice(0, -1)) {
      folder = path.join(folder, part)
      if (options.create) await makeFolder(connection, folder)
      folder = await real(folder)
      if (!isInside(top, folder)) throw outside(name, 'a link on its way leads out of the folder')
    }
    let file = path.join(folder, parts.at(-1)!)
    const found = await absentAsNull(connection.call<Stats>((sftp, done) => sftp.lstat(file, done)))
    if (found?.isSymbolicLink()) file = await real(file)
    if (!isInside(top, file)) throw outside(name, 'it is a link that leads out of the folder')
    return new SftpFile(connection, name, file)
  } catch (error) {
    throw fileFailure(error, name)
  }
}

const isInside = (top: string, candidate: string): boolean =>
  candidate === top || candidate.startsWith(top.endsWith('/') ? top : `${top}/`)

async function makeFolder(connection: SftpConnection, folder: string): Promise<void> {
  if (await absentAsNull(connection.call<Stats>((sftp, done) => sftp.stat(folder, done)))) return
  await connection.call((sftp, done) => sftp.mkdir(folder, done))
}

const absentAsNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error) => {
    if (error.code === 'ENOENT') return null
    throw error
  })

class SftpFile implements FilePlace {
  readonly name: string
  readonly shown: string
  private readonly connection: SftpConnection
  private readonly real: string

  constructor(connection: SftpConnection, name: string, real: string) {
    this.connection = connection
    this.name = name
    this.real = real
    this.shown = `${connection.shown}/${name}`
  }

  async open(): Promise<OpenedFile | null> {
    const { connection, real, name } = this
    try {
      const found = await absentAsNull(connection.call<Stats>((sftp, done) => sftp.stat(real, done)))
      if (found === null) return null
      if (!found.isFile()) throw outside(name, 'it is not a plain file')
      const handle = await absentAsNull(connection.call<Buffer>((sftp, done) => sftp.open(real, 'r', done)))
      return handle && new OpenedSftp(connection, handle, found)
    } catch (error) {
      throw fileFailure(error, name)
    }
  }

  alone<T>(waitMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { real, name } = this
    const folder = remoteFolder(this.connection, path.dirname(real))
    return withLock(
      { key: `${this.connection.shown}${real}`, base: path.basename(real), name, folder },
      waitMs,
      signal,
      work,
    )
  }

  async draft(old: OpenedFile | null, { copy }: { copy: boolean }): Promise<Draft> {
    const { connection, real } = this
    const folder = path.dirname(real)
    const entries = await connection.call<{ filename: string }[]>((sftp, done) => sftp.readdir(folder, done))
    // Drafts of writers that died: we hold the lock, so nobody is at work on them.
    for (const { filename } of entries)
      if (filename.startsWith(`.${path.basename(real)}.tmp-`)) await unlink(connection, path.join(folder, filename))
    const file = path.join(folder, `.${path.basename(real)}.tmp-${randomUUID()}`)
    const mode = old instanceof OpenedSftp ? old.mode : 0o644
    const handle = await connection.call<Buffer>((sftp, done) => sftp.open(file, 'wx', mode, done))
    const draft = new SftpDraft(this, connection, { file, real, handle })
    if (copy && old) await draft.copy(old)
    return draft
  }

  async close(): Promise<void> {
    this.connection.close()
  }
}

const unlink = (connection: SftpConnection, file: string): Promise<void> =>
  connection.call<void>((sftp, done) => sftp.unlink(file, done)).catch(() => {})

class OpenedSftp implements OpenedFile {
  readonly exact = false
  readonly size: number
  readonly mode: number
  private readonly connection: SftpConnection
  private readonly handle: Buffer

  constructor(connection: SftpConnection, handle: Buffer, found: Attributes) {
    this.connection = connection
    this.handle = handle
    this.size = found.size
    this.mode = found.mode & 0o777
  }

  read(into: Buffer, at: number): Promise<number> {
    return this.connection
      .call<number>((sftp, done) =>
        sftp.read(this.handle, into, 0, into.length, at, (error, bytes) => {
          // The end of the file is an answer of its own.
          if (error && (error as { code?: unknown }).code === 1) done(null, 0)
          else done(error, bytes)
        }),
      )
      .catch((error) => Promise.reject(fileFailure(error, 'being read')))
  }

  /** SFTP tells whole seconds, and no inode. */
  async fingerprint(): Promise<string> {
    const { size, mtime } = await this.connection.call<Stats>((sftp, done) => sftp.fstat(this.handle, done))
    return `${size}:${mtime}`
  }

  close(): Promise<void> {
    return this.connection.call((sftp, done) => sftp.close(this.handle, done)).catch(() => {})
  }
}

type DraftFiles = { file: string; real: string; handle: Buffer }

class SftpDraft implements Draft {
  private readonly place: SftpFile
  private readonly connection: SftpConnection
  private readonly files: DraftFiles
  private at = 0
  private open = true

  constructor(place: SftpFile, connection: SftpConnection, files: DraftFiles) {
    this.place = place
    this.connection = connection
    this.files = files
  }

  write(text: string): Promise<void> {
    return text === '' ? Promise.resolve() : this.put(Buffer.from(text, 'utf8'))
  }

  /** Takes the bytes of the old file; version 3 of SFTP has no copy on the server. */
  async copy(old: OpenedFile): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const bytes = await old.read(buffer, this.at)
      if (bytes === 0) return
      await this.put(buffer.subarray(0, bytes))
    }
  }

  async publish(before: string | null): Promise<void> {
    const { connection, files, place } = this
    // Not every server can flush; those that cannot say so.
    await connection.call((sftp, done) => sftp.ext_openssh_fsync(files.handle, done)).catch(passOver)
    await this.end()
    const found = await place.open()
    const now = found && (await found.fingerprint())
    await found?.close()
    if (now !== before) throw changedMeanwhile(place.name)
    await this.replace().catch((error) => {
      const unknown = error instanceof CausewayError && ['CSW-3001', 'CSW-3002'].includes(error.code)
      if (!unknown) throw error
      throw new CausewayError('CSW-3012', {
        what: `It is not known whether ${JSON.stringify(place.name)} was replaced.`,
        cause: error,
      })
    })
  }

  async discard(): Promise<void> {
    await this.end().catch(() => {})
    await unlink(this.connection, this.files.file)
  }

  /** One step where the server can (OpenSSH's own rename); some others overwrite with the plain one, which the standard forbids. */
  private async replace(): Promise<void> {
    const { connection, files, place } = this
    try {
      return await connection.call((sftp, done) => sftp.ext_openssh_rename(files.file, files.real, done))
    } catch (error) {
      if (error instanceof CausewayError) throw error
    }
    await connection
      .call((sftp, done) => sftp.rename(files.file, files.real, done))
      .catch((error) => {
        if (error instanceof CausewayError) throw error
        throw new CausewayError('CSW-2003', {
          what: `${place.shown} cannot be replaced in one step: the server has no rename that overwrites.`,
          fix: 'Write to a server that offers posix-rename@openssh.com, such as OpenSSH.',
          cause: error,
        })
      })
  }

  private async put(bytes: Buffer): Promise<void> {
    const { handle } = this.files
    const at = this.at
    await this.connection.call((sftp, done) => sftp.write(handle, bytes, 0, bytes.length, at, done))
    this.at += bytes.length
  }

  private async end(): Promise<void> {
    if (!this.open) return
    this.open = false
    await this.connection.call((sftp, done) => sftp.close(this.files.handle, done))
  }
}

/** What the server does not know how to do is left out; a broken connection is not passed over. */
function passOver(error: unknown): void {
  if (error instanceof CausewayError) throw error
}

/** Times of locks are those of this machine's clock, so that the server's own clock does not matter. */
const remoteFolder = (connection: SftpConnection, folder: string): LockFolder => ({
  list: async () => {
    const entries = await connection.call<{ filename: string }[]>((sftp, done) => sftp.readdir(folder, done))
    return entries.map(({ filename }) => filename)
  },
  signOfLife: async (file) => {
    const { mtime } = await connection.call<Stats>((sftp, done) => sftp.stat(path.join(folder, file), done))
    return mtime * 1000
  },
  make: async (file) => {
    const at = path.join(folder, file)
    const handle = await connection.call<Buffer>((sftp, done) => sftp.open(at, 'wx', done))
    await connection.call((sftp, done) => sftp.close(handle, done))
    await touch(connection, at)
  },
  touch: (file) => touch(connection, path.join(folder, file)),
  remove: (file) => connection.call((sftp, done) => sftp.unlink(path.join(folder, file), done)),
})

const touch = (connection: SftpConnection, file: string): Promise<void> => {
  const now = Math.floor(Date.now() / 1000)
  return connection.call((sftp, done) => sftp.utimes(file, now, now, done))
}
