import { link, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError, newId } from '../../core/index.ts'

type Owner = { pid: number; started: string; host: string; id: string }

const TOUCH_EVERY_MS = 5_000
const FOREIGN_STALE_MS = 30_000

/**
 * Lets one hub own a folder: two servers on one data folder would destroy it. The lock is a file that names its owner by
 * process id and start time (ids are used again, in containers at once). A hub in another container cannot be seen by its
 * id, so the owner also touches the file, and a file of another host counts while it is fresh.
 * Returns the release function. Throws CSW-6005 while another hub lives.
 */
export async function lockFolder(path: string): Promise<() => Promise<void>> {
  const owner: Owner = {
    pid: process.pid,
    started: (await processStart(process.pid)) ?? '',
    host: hostname(),
    id: newId(),
  }
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await create(path, owner)) return keep(path, owner)
    const current = await read(path)
    if (current === undefined) continue
    if (await isAlive(path, current)) throw inUse(path, current)
    await removeStale(path, current)
  }
  throw inUse(path, await read(path))
}

/** The file appears with its content or not at all: written aside, then linked, which fails when the name is taken. */
async function create(path: string, owner: Owner): Promise<boolean> {
  const draft = `${path}.${owner.id}`
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(draft, { force: true })
  }
}

function keep(path: string, owner: Owner): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, TOUCH_EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    if ((await read(path))?.id === owner.id) await unlink(path)
  }
}

async function read(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Damaged by a full disk or a hand: nobody can be named, so nobody is waited for.
    if (error instanceof SyntaxError) return { pid: 0, started: '', host: hostname(), id: '' }
    throw error
  }
}

async function isAlive(path: string, owner: Owner): Promise<boolean> {
  if (owner.host === hostname()) return owner.pid > 0 && (await processStart(owner.pid)) === owner.started
  // Another host, or this container before it was made anew: wait until the file is old enough to judge, or is touched.
  const touched = await modified(path)
  if (touched === undefined || Date.now() - touched > FOREIGN_STALE_MS) return false
  await sleep(TOUCH_EVERY_MS * 2)
  const again = await modified(path)
  return again !== undefined && again > touched
}

const modified = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (info) => info.mtimeMs,
    () => undefined,
  )

/** Moves the file aside and looks at what was moved, so that a lock taken in between is put back and not lost. */
async function removeStale(path: string, judged: Owner): Promise<void> {
  const aside = `${path}.${newId()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await read(aside))?.id !== judged.id) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/**
 * Something that tells two processes with the same id apart: on Linux the start time in ticks since boot, with the boot id;
 * elsewhere only that the process exists. Undefined when there is none.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return signalable(pid) ? 'alive' : undefined
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program name in parentheses and may hold blanks; the start time is the 22nd of all.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return `${fields[19]}@${boot.trim()}`
  } catch {
    return undefined
  }
}

function signalable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function inUse(path: string, owner: Owner | undefined): CausewayError {
  return new CausewayError('CSW-6005', {
    what: `Another Causeway is running in this folder (process ${owner?.pid ?? '?'} on ${owner?.host ?? '?'}, lock file ${path}).`,
    data: { pid: owner?.pid, host: owner?.host },
  })
}
