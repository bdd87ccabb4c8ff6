import { countWithin } from './bounded-counts.ts'
import { type Database, firstRow, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import { type Verbatim, verbatimError, verbatimOpaque } from './verbatim.ts'

export type StreamView = {
  /** `connection:stream`, as mapping files write it. */
  address: string
  connection: string
  name: string
  /** The last sequence number given out in this stream's change log. */
  seq: number
  cursor: Verbatim | null
  cursorAt: Date | null
  keyFields: string[]
  /** The pull that was asked for or is under way; null = none. */
  pullMode: 'full' | 'incremental' | null
  nextPullAt: Date | null
  pullFailures: number
  lastError: Verbatim | null
  lastPullAt: Date | null
  lastSuccessAt: Date | null
}

export type StreamDetail = StreamView & { records: { live: number; deleted: number; estimated: boolean } }

type Row = Omit<StreamView, 'cursor' | 'lastError'> & { id: number; cursor: string | null; lastError: string | null }

const SELECT = `
select s.id, c.name || ':' || s.name as address, c.name as connection, s.name, s.seq, s.cursor, s.cursor_at as "cursorAt",
       s.key_fields as "keyFields", s.pull_mode as "pullMode", s.next_pull_at as "nextPullAt", s.pull_failures as "pullFailures",
       s.last_error as "lastError", s.last_pull_at as "lastPullAt", s.last_success_at as "lastSuccessAt"
  from stream s join connection c on c.id = s.connection_id`

const toView = ({ id: _id, ...row }: Row): StreamView => ({
  ...row,
  cursor: verbatimOpaque(row.cursor),
  lastError: verbatimError(row.lastError),
})

export type StreamFilter = { connection?: string; cursor?: string; limit: number }

/** Streams by address; those of removed connections are left out. */
export async function listStreams(db: Database, filter: StreamFilter): Promise<Page<StreamView>> {
  const where = new Conditions()
    .always(`c.state <> 'removed'`)
    .add('c.name = ?', filter.connection)
    .add(
      `(c.name || ':' || s.name) collate "C" > ?`,
      filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'string'),
    )
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(
    db,
    `${SELECT} ${where.where} order by (c.name || ':' || s.name) collate "C" limit ${limit}`,
    where.values,
  )
  return toPage(found.map(toView), filter.limit, (item) => item.address)
}

/** One stream with how many records its change log holds, as far as `countWithin` counts. */
export async function showStream(
  db: Database,
  address: string,
  most?: Parameters<typeof countWithin>[3],
): Promise<StreamDetail | undefined> {
  const row = await findStream(db, address)
  if (!row) return undefined
  const { counts, estimated } = await countWithin(db, { table: 'record', by: 'deleted', of: 'stream_id' }, row.id, most)
  return { ...toView(row), records: { live: counts.get('false') ?? 0, deleted: counts.get('true') ?? 0, estimated } }
}

/** Resolves `connection:stream`. Names of connections hold no colon, names of streams may. */
export async function findStream(db: Database, address: string): Promise<Row | undefined> {
  const colon = address.indexOf(':')
  if (colon < 1 || address.includes('\0')) return undefined
  return firstRow<Row>(db, `${SELECT} where c.name = $1 and s.name = $2`, [
    address.slice(0, colon),
    address.slice(colon + 1),
  ])
}
