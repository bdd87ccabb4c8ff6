/** The files of a hub folder as they stood in a version that was kept: written back whole, or not at all. */
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { CausewayError, digest } from '../core/index.ts'
import type { RollBackRequest } from '../http/index.ts'
import { type KeptFile, readKeptFiles, type Store } from '../store/index.ts'
import { demandWhole } from './planning-back.ts'

type Change = { path: string; before: Buffer | null; after: Buffer | null }

/**
 * Writes the files of a version into the folder, and takes away those that it does not have. Gives what puts the former ones back.
 * Throws CSW-8024 where files are not as they were planned, CSW-8027 where a secret in one was not kept, CSW-8028 where the folder
 * cannot be written; then nothing was.
 */
export async function writeVersion(
  pool: Store['pool'],
  dir: string,
  current: readonly KeptFile[],
  { version, files }: RollBackRequest,
): Promise<() => Promise<void>> {
  const wanted = await readKeptFiles(pool, version)
  demandWhole(version, wanted)
  const changes = await changesOf(dir, current, wanted)
  demandPlanned(files, current, changes)
  await demandWritable(dir, changes)
  const back = (): Promise<void> =>
    writeAll(
      dir,
      changes.map(({ path, before }) => ({ path, content: before })),
    )
  try {
    await writeAll(
      dir,
      changes.map(({ path, after }) => ({ path, content: after })),
    )
  } catch (cause) {
    await back()
    throw new CausewayError('CSW-8028', { what: `The files cannot be written: ${(cause as Error).message}.`, cause })
  }
  return back
}

async function changesOf(dir: string, current: readonly KeptFile[], wanted: readonly KeptFile[]): Promise<Change[]> {
  const after = new Map(wanted.map(({ path, content }) => [path, content]))
  const paths = [...new Set([...current.map(({ path }) => path), ...after.keys()])].sort()
  const all = await Promise.all(
    paths.map(async (path) => ({ path, before: await readIfThere(inside(dir, path)), after: after.get(path) ?? null })),
  )
  return all.filter((one) => !(one.before && one.after ? one.before.equals(one.after) : one.before === one.after))
}

/** Files of the configuration by what is kept of them, others by whether they are there. */
function demandPlanned(
  planned: RollBackRequest['files'],
  current: readonly KeptFile[],
  changes: readonly Change[],
): void {
  const before = new Map(planned.map((file) => [file.path, file.before]))
  const now = new Map(current.map((file) => [file.path, file.digest]))
  for (const change of changes) if (change.before && !now.has(change.path)) now.set(change.path, digest(change.before))
  const moved = [...new Set([...before.keys(), ...now.keys()])]
    .filter((path) => (before.get(path) ?? null) !== (now.get(path) ?? null))
    .sort()
  if (moved.length > 0)
    throw new CausewayError('CSW-8024', { what: `Files are not as they were planned: ${moved.join(', ')}.` })
}

async function demandWritable(dir: string, changes: readonly Change[]): Promise<void> {
  for (const { path, before } of changes) {
    const file = inside(dir, path)
    try {
      if (before) await access(file, constants.W_OK)
      await access(await nearestFolder(dirname(file)), constants.W_OK)
    } catch (cause) {
      throw new CausewayError('CSW-8028', { what: `The hub may not write ${path} in its folder.`, cause })
    }
  }
}

async function nearestFolder(folder: string): Promise<string> {
  const there = await stat(folder).catch(() => undefined)
  return there || dirname(folder) === folder ? folder : nearestFolder(dirname(folder))
}

/** Each by a rename, so that whoever reads meanwhile sees the one or the other whole. */
async function writeAll(dir: string, files: readonly { path: string; content: Buffer | null }[]): Promise<void> {
  for (const { path, content } of files) {
    const file = inside(dir, path)
    if (content === null) {
      await rm(file, { force: true })
      continue
    }
    await mkdir(dirname(file), { recursive: true })
    const mode = (await stat(file).catch(() => undefined))?.mode
    const beside = `${file}.rolling-back`
    await writeFile(beside, content, mode === undefined ? {} : { mode })
    await rename(beside, file)
  }
}

function inside(dir: string, path: string): string {
  const file = resolve(dir, path)
  if (file.startsWith(resolve(dir) + sep)) return file
  throw new CausewayError('CSW-8028', { what: `${path} lies outside the folder of the hub.` })
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
