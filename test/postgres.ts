import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createPool } from '../src/store/index.ts'
import { atEndOfFile } from './end-of-file.ts'
import { madeOnce } from './made-once.ts'

/** A database with the current schema, to be copied; nobody may have a session in it. */
export const TEMPLATE = 'causeway_template'

export type TestDatabase = {
  pool: pg.Pool
  url: string
  name: string
}

/** A database of its own with the current schema; `migrated: false` gives an empty one. Dropped when the test file ends. */
export async function freshDatabase(options: { migrated?: boolean; max?: number } = {}): Promise<TestDatabase> {
  const server = await madeOnce('postgres')
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

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
