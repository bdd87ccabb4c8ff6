import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import pg from 'pg'
import { layoutOf, USER } from './embedded/cluster.ts'
import { startEmbedded } from './embedded/server.ts'
import { asStoreError } from './failure.ts'
import { createPool, type PoolOptions } from './pool.ts'

export type StoreOptions = PoolOptions & {
  /** A Postgres of one's own (`DATABASE_URL`). Without it, the embedded one is started. */
  databaseUrl?: string | undefined
  /** The hub's folder, where the embedded server keeps its data. */
  folder?: string
  /** False switches fsync off in the embedded server; for tests only. */
  durable?: boolean
  onRestart?: (reason: string) => void
}

export type Store = {
  pool: pg.Pool
  /** Holds the password: for other clients of the same database (the queue), never for a log. */
  url: string
  embedded: boolean
  /** Ends the pool and, when it is ours, the server. May be called twice. */
  close(): Promise<void>
}

/**
 * Opens the ledger's database: the one at `databaseUrl`, or an embedded Postgres with its data in `.causeway/postgres`.
 * Does not migrate. Throws CSW-6001 when the database does not answer, CSW-6003 when the embedded server does not start,
 * CSW-6005 when another hub runs in the folder.
 */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  if (options.databaseUrl) return openAt(options.databaseUrl, options, undefined)
  const server = await startEmbedded({
    folder: resolve(options.folder ?? '.causeway'),
    ...(options.durable === undefined ? {} : { durable: options.durable }),
    ...(options.onRestart ? { onRestart: options.onRestart } : {}),
  })
  try {
    await ensureDatabase(server.adminUrl)
    return await openAt(server.url, options, () => server.stop())
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function openAt(url: string, options: PoolOptions, stop: (() => Promise<void>) | undefined): Promise<Store> {
  const pool = createPool(url, options)
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    throw error
  }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await pool.end()
    await stop?.()
  }
  return { pool, url, embedded: stop !== undefined, close: () => (closing ??= close()) }
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  try {
    await client.connect()
    const { rowCount } = await client.query('select from pg_database where datname = $1', [USER])
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(USER)}`)
  } catch (error) {
    throw asStoreError(error)
  } finally {
    await client.end()
  }
}

/** Where the embedded server of the hub in `folder` listens. Undefined when it was closed; after a kill it may be out of date. */
export async function describeEmbedded(
  folder = '.causeway',
): Promise<{ hubPid: number; serverPid: number; port: number; url: string } | undefined> {
  const text = await readFile(layoutOf(resolve(folder)).description, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}
