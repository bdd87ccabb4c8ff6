import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { layoutOf, stopOrphan } from '../src/store/embedded/cluster.ts'
import { lockFolder } from '../src/store/embedded/lock.ts'
import { createPool, migrate, openStore, type Store } from '../src/store/index.ts'
import { atEndOfFile } from './end-of-file.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresSocket: string
  }
}

const PREFIX = 'causeway-test-'
const TEMPLATE = 'causeway_template'

/**
 * Global set-up: one embedded server per vitest run, without fsync, started when the first test file asks for a database
 * (runs that need none do not pay for it). Test files run in processes of their own and ask through a local socket.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const place = await fastFolder()
  await removeLeftOvers(place)
  const folder = await mkdtemp(join(place, PREFIX))
  const socket = join(folder, 'ask.sock')
  let starting: Promise<Store> | undefined
  const listener = createServer((peer) => {
    starting ??= startWithTemplate(folder)
    starting.then(
      (store) => peer.end(store.url),
      (error: unknown) => peer.end(`error: ${error}`),
    )
  })
  await listen(listener, socket)
  project.provide('postgresSocket', socket)
  await temporaryFolders(folder)
  return async () => {
    listener.close()
    await (await starting?.catch(() => undefined))?.close()
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

export type TestDatabase = {
  pool: pg.Pool
  url: string
  name: string
}

let serverUrl: Promise<string> | undefined

/** The URL of the run's server (database `causeway`, not migrated). */
export function testServer(): Promise<string> {
  serverUrl ??= text(connect(inject('postgresSocket'))).then((answer) => {
    if (!answer.startsWith('postgres:')) throw new Error(answer || 'the test server did not start')
    return answer
  })
  return serverUrl
}

/** A database of its own with the current schema; `migrated: false` gives an empty one. Dropped when the test file ends. */
export async function freshDatabase(options: { migrated?: boolean; max?: number } = {}): Promise<TestDatabase> {
  const server = await testServer()
  const name = `test_${randomBytes(6).toString('hex')}`
  const template = (options.migrated ?? true) ? TEMPLATE : 'template1'
  await administer(server, `create database ${name} template ${template} strategy file_copy`)
  const url = withDatabase(server, name)
  const database = { pool: createPool(url, { max: options.max ?? 5 }), url, name }
  atEndOfFile(async () => {
    if (!database.pool.ended) await database.pool.end()
    await administer(server, `drop database if exists ${name} with (force)`)
  })
  return database
}

async function administer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
