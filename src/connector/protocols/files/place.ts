/** Where a connection may read and write: plain files below one folder. */
import { type FileHandle, mkdir, open, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { CausewayError } from '../../../core/index.ts'

/** A checked file: `real` is free of links, so what is opened is what was checked. */
export type FilePlace = { name: string; folder: string; real: string }

/**
 * The place of a file below `root`. Refuses (CSW-2051) absolute names, `..`, and links that lead out of the folder. The file
 * itself need not exist; with `create`, missing folders on the way are made.
 */
export async function placeOf(root: string, name: string, options: { create?: boolean } = {}): Promise<FilePlace> {
  const parts = name.split(/[\\/]/)
  if (name === '' || name.includes('\0') || path.isAbsolute(name) || parts.some((part) => part === '..' || part === ''))
    throw outside(name, 'it is not a plain relative name')
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
  return { name, folder: path.dirname(real), real }
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

/** Opens a checked file for reading, or gives null when there is none. Refuses devices, pipes and folders. */
export async function openFile(place: FilePlace): Promise<FileHandle | null> {
  // Looked at before it is opened: opening a pipe would wait for its writer.
  const found = await stat(place.real).catch((error) => {
    if (error.code === 'ENOENT') return null
    throw fileFailure(error, place.name)
  })
  if (found === null) return null
  if (!found.isFile()) throw outside(place.name, 'it is not a plain file')
  return open(place.real, 'r').catch((error) => {
    if (error.code === 'ENOENT') return null
    throw fileFailure(error, place.name)
  })
}

/** What tells one state of a file from another; a rewrite by rename changes the inode, an append the size and the time. */
export async function fingerprintOf(handle: FileHandle): Promise<string> {
  const { ino, size, mtimeNs } = await handle.stat({ bigint: true })
  return `${ino}:${size}:${mtimeNs}`
}

function outside(name: string, why: string): CausewayError {
  return new CausewayError('CSW-2051', { what: `File ${JSON.stringify(name)}: ${why}.` })
}

/** The coded error of a failed file operation. Errors that are ours already pass through. */
export function fileFailure(error: unknown, name: string): CausewayError {
  if (error instanceof CausewayError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown'
  return new CausewayError('CSW-2052', {
    what: `File ${JSON.stringify(name)}: ${WORDS[code] ?? `the system answered ${code}`}.`,
    data: { cause: code },
    cause: error,
  })
}

const WORDS: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'the hub may not open it',
  EPERM: 'the hub may not change it',
  ENOSPC: 'no space is left',
  EROFS: 'it is on a read-only file system',
  ENOTDIR: 'a part of its path is a file',
  ELOOP: 'its links go round in a circle',
}
