import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'

export const DRIFT_STATES = ['open', 'accepted'] as const

type DriftChange = {
  kind: 'new' | 'vanished' | 'type'
  field: string
  before: string[]
  after: string[]
  by: 'records' | 'schema'
  /** Lines of mappings that read the field. */
  touches: { sync: string; key: string; expression: string; place: { file: string; line?: number; column?: number } }[]
}

export type DriftView = {
  id: number
  stream: string
  /** The pull that found it. */
  runId: number | null
  foundAt: Date
  state: (typeof DRIFT_STATES)[number]
  /** Who accepted it; null for what touched no mapping and asked nobody. */
  actor: string | null
  closedAt: Date | null
  changes: DriftChange[]
}

type Row = Omit<DriftView, 'changes'> & { changes: string }

export type DriftFilter = { stream?: string; state?: string; run?: number; cursor?: string; limit: number }

/** How sources changed the form of their records, newest first. */
export async function listDrifts(db: Database, filter: DriftFilter): Promise<Page<DriftView>> {
  const where = new Conditions()
    .add(`c.name || ':' || s.name = ?`, filter.stream)
    .add('d.state = ?', filter.state)
    .add('d.run_id = ?', filter.run)
    .add('d.id < ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(
    db,
    `select d.id, c.name || ':' || s.name as stream, d.run_id as "runId", d.found_at as "foundAt", d.state, d.actor,
            d.closed_at as "closedAt", d.changes
       from drift d join stream s on s.id = d.stream_id join connection c on c.id = s.connection_id
       ${where.where} order by d.id desc limit ${limit}`,
    where.values,
  )
  const items = found.map((row): DriftView => ({ ...row, changes: JSON.parse(row.changes) as DriftChange[] }))
  return toPage(items, filter.limit, (item) => item.id)
}

/** True when there is such a drift, whether it is open or not. */
export async function isDrift(db: Database, id: number): Promise<boolean> {
  return (await rows(db, 'select 1 from drift where id = $1', [id])).length > 0
}
