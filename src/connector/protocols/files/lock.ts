/**
 * One writer per file, over lanes, processes and (through the file system) machines. Node has no flock, and a single lock file
 * leaves the question who may break a stale one; so each writer makes a lock file with a name of its own and has the lock
 * when it sees no other live one. Two that appear at once both step back and try again after a random pause.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError } from '../../../core/index.ts'
import { fileFailure } from './place.ts'

/** The folder of the locked file, which also holds the locks. Names are those of files in it. */
export type LockFolder = {
  list(): Promise<string[]>
  /** When the holder touched its lock last, in milliseconds of the holder's clock. Rejects where the lock is gone. */
  signOfLife(file: string): Promise<number>
  /** Rejects where there is such a file. */
  make(file: string): Promise<void>
  touch(file: string): Promise<void>
  remove(file: string): Promise<void>
}

/** `key` tells the file from all others, `base` is its name in the folder, `name` the one for messages. */
export type Lockable = { key: string; base: string; name: string; folder: LockFolder }

/** A lock whose holder gave no sign for so long is ignored; holders give one every minute. */
const EXPIRES_MS = 600_000
const HEARTBEAT_MS = 60_000

const queues = new Map<string, Promise<unknown>>()
const held = new Set<string>()

/** Runs `work` as the only writer of that file; CSW-2055 when others keep it for longer than `waitMs`. */
export const withLock = <T>(
  target: Lockable,
  waitMs: number,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> =>
  inTurn(target.key, async () => {
    const lock = await acquire(target, waitMs, signal)
    const beat = setInterval(() => target.folder.touch(lock).catch(() => {}), HEARTBEAT_MS).unref()
    try {
      return await work()
    } finally {
      clearInterval(beat)
      await release(target, lock)
    }
  })

/** Runs what this process does with one file one after the other. */
export function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const mine = (queues.get(key) ?? Promise.resolve()).then(work)
  const settled = mine.catch(() => {})
  queues.set(key, settled)
  // The last in line takes the entry away, so that the map does not grow with the number of files ever written.
  void settled.then(() => queues.get(key) === settled && queues.delete(key))
  return mine
}

async function acquire(target: Lockable, waitMs: number, signal: AbortSignal): Promise<string> {
  const prefix = `.${target.base}.lock-`
  const deadline = performance.now() + waitMs
  for (;;) {
    signal.throwIfAborted()
    const lock = `${prefix}${encodeURIComponent(hostname())}-${process.pid}-${randomUUID()}`
    if (!(await othersHold(target, prefix, lock))) {
      held.add(lock)
      await target.folder.make(lock).catch((error) => {
        held.delete(lock)
        throw fileFailure(error, target.name)
      })
      if (!(await othersHold(target, prefix, lock))) return lock
      await release(target, lock)
    }
    if (performance.now() > deadline)
      throw new CausewayError('CSW-2055', {
        what: `File ${JSON.stringify(target.name)} is being written by another process.`,
      })
    await sleep(20 + Math.random() * 60, undefined, { signal }).catch(() => {})
  }
}

async function release({ folder }: Lockable, lock: string): Promise<void> {
  held.delete(lock)
  await folder.remove(lock).catch(() => {})
}

async function othersHold({ folder }: Lockable, prefix: string, mine: string): Promise<boolean> {
  const names = await folder.list().catch((error) => Promise.reject(fileFailure(error, 'its folder')))
  for (const name of names) {
    if (!name.startsWith(prefix) || name === mine) continue
    if (await isLive(folder, name, name.slice(prefix.length))) return true
    await folder.remove(name).catch(() => {})
  }
  return false
}

async function isLive(folder: LockFolder, lock: string, owner: string): Promise<boolean> {
  const seen = await folder.signOfLife(lock).catch(() => null)
  if (seen === null || Date.now() - seen > EXPIRES_MS) return false
  const [, host = '', pid = ''] = /^(.*)-(\d+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(owner) ?? []
  if (host !== encodeURIComponent(hostname())) return true
  // Our own id on a lock we do not hold is one of a predecessor: in a container every hub is process 1.
  if (Number(pid) === process.pid) return held.has(lock)
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
