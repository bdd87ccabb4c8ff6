/**
 * One writer per file, over lanes, processes and (through the file system) machines. Node has no flock, and a single lock file
 * leaves the question who may break a stale one; so each writer makes a lock file with a name of its own and has the lock
 * when it sees no other live one. Two that appear at once both step back and try again after a random pause.
 */
import { randomUUID } from 'node:crypto'
import { readdir, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError } from '../../../core/index.ts'
import { type FilePlace, fileFailure } from './place.ts'

/** A lock whose holder gave no sign for so long is ignored; holders give one every minute. */
const EXPIRES_MS = 600_000
const HEARTBEAT_MS = 60_000

const queues = new Map<string, Promise<unknown>>()
const held = new Set<string>()

/** Runs `work` as the only writer of that file; CSW-2055 when others keep it for longer than `waitMs`. */
export async function withLock<T>(
  place: FilePlace,
  waitMs: number,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const before = queues.get(place.real) ?? Promise.resolve()
  const mine = before.then(async () => {
    const lock = await acquire(place, waitMs, signal)
    const beat = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS).unref()
    try {
      return await work()
    } finally {
      clearInterval(beat)
      await release(lock)
    }
  })
  const settled = mine.catch(() => {})
  queues.set(place.real, settled)
  // The last in line takes the entry away, so that the map does not grow with the number of files ever written.
  void settled.then(() => queues.get(place.real) === settled && queues.delete(place.real))
  return mine
}

async function acquire(place: FilePlace, waitMs: number, signal: AbortSignal): Promise<string> {
  const prefix = `.${path.basename(place.real)}.lock-`
  const deadline = performance.now() + waitMs
  for (;;) {
    signal.throwIfAborted()
    const name = `${prefix}${encodeURIComponent(hostname())}-${process.pid}-${randomUUID()}`
    const file = path.join(place.folder, name)
    if (!(await othersHold(place.folder, prefix, name))) {
      held.add(name)
      await writeFile(file, '', { flag: 'wx' }).catch((error) => {
        held.delete(name)
        throw fileFailure(error, place.name)
      })
      if (!(await othersHold(place.folder, prefix, name))) return file
      await release(file)
    }
    if (performance.now() > deadline)
      throw new CausewayError('CSW-2055', {
        what: `File ${JSON.stringify(place.name)} is being written by another process.`,
      })
    await sleep(20 + Math.random() * 60, undefined, { signal }).catch(() => {})
  }
}

async function release(file: string): Promise<void> {
  held.delete(path.basename(file))
  await unlink(file).catch(() => {})
}

async function othersHold(folder: string, prefix: string, mine: string): Promise<boolean> {
  const names = await readdir(folder).catch((error) => Promise.reject(fileFailure(error, 'its folder')))
  for (const name of names) {
    if (!name.startsWith(prefix) || name === mine) continue
    const file = path.join(folder, name)
    if (await isLive(file, name.slice(prefix.length))) return true
    await unlink(file).catch(() => {})
  }
  return false
}

async function isLive(file: string, owner: string): Promise<boolean> {
  const found = await stat(file).catch(() => null)
  if (!found || Date.now() - found.mtimeMs > EXPIRES_MS) return false
  const [, host = '', pid = ''] = /^(.*)-(\d+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(owner) ?? []
  if (host !== encodeURIComponent(hostname())) return true
  // Our own id on a lock we do not hold is one of a predecessor: in a container every hub is process 1.
  if (Number(pid) === process.pid) return held.has(path.basename(file))
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
