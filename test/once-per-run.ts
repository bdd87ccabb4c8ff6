import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { layoutOf, stopOrphan } from '../src/store/embedded/cluster.ts'
import { lockFolder } from '../src/store/embedded/lock.ts'
import { createPool, migrate, openStore, type Store } from '../src/store/index.ts'
import type { MadeOnce } from './made-once.ts'
import { TEMPLATE, withDatabase } from './postgres.ts'

const ROOT = join(import.meta.dirname, '..')
const PREFIX = 'causeway-test-'

/**
 * Global set-up: what the files of a run share is made when the first of them asks for it (runs that need none do not pay for
 * it), above all one embedded server without fsync. Test files run in processes of their own and ask through a local socket.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const place = await fastFolder()
  await removeLeftOvers(place)
  const folder = await mkdtemp(join(place, PREFIX))
  let store: Store | undefined
  const makers: Record<MadeOnce, () => Promise<string>> = {
    postgres: async () => {
      store = await startWithTemplate(folder)
      return store.url
    },
    page: () => buildPage(join(folder, 'page')),
  }
  const made = new Map<string, Promise<string>>()
  const listener = createServer((peer) => {
    createInterface({ input: peer }).once('line', (what) => {
      const answer = made.get(what) ?? makers[what as MadeOnce]()
      made.set(what, answer)
      answer.then(
        (value) => peer.end(`ok ${value}`),
        (error: unknown) => peer.end(`error: ${error}`),
      )
    })
  })
  const socket = join(folder, 'ask.sock')
  await listen(listener, socket)
  project.provide('madeOnceSocket', socket)
  await temporaryFolders(folder)
  return async () => {
    listener.close()
    await Promise.allSettled(made.values())
    await store?.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What tests and the programs they start put into the folder for temporary files goes with the run, killed ones included. */
async function temporaryFolders(folder: string): Promise<void> {
  const temporary = join(folder, 'tmp')
  await mkdir(temporary)
  // An embedded server that root starts runs as somebody else, who has to get through.
  for (const path of [folder, temporary]) await chmod(path, 0o711)
  process.env.TMPDIR = temporary
}

/** A database is a thousand files: made in memory it takes 15 ms, on some disks 400. Containers give too little memory disk. */
async function fastFolder(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => undefined)
  return memory && memory.bavail * memory.bsize > 4 * 2 ** 30 ? '/dev/shm' : tmpdir()
}

/** Ends the servers of runs that were killed; those of runs that go on beside this one are locked. */
async function removeLeftOvers(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (!name.startsWith(PREFIX)) continue
    const layout = layoutOf(join(place, name, 'hub'))
    try {
      const unlock = await lockFolder(layout.lock)
      await stopOrphan(layout)
      await unlock()
      await rm(join(place, name), { recursive: true, force: true })
    } catch {
      // In use, or not started yet.
    }
  }
}

const listen = (server: Server, path: string): Promise<void> => new Promise((done) => server.listen(path, done))

async function startWithTemplate(folder: string): Promise<Store> {
  const store = await openStore({ folder: join(folder, 'hub'), durable: false })
  await store.pool.query(`create database ${TEMPLATE}`)
  const template = createPool(withDatabase(store.url, TEMPLATE))
  await migrate(template)
  // A database with sessions cannot be copied.
  await template.end()
  return store
}

async function buildPage(folder: string): Promise<string> {
  const config = join(ROOT, 'src/ui/vite.config.ts')
  // A test run is no production, and React for development is slower and asks everything twice.
  const env = { ...process.env, NODE_ENV: 'production' }
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/vite'), ['build', '--config', config, '--outDir', folder], {
    env,
  })
  return folder
}
