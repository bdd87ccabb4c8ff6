import { type Database, firstRow, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

export const BULK_KINDS = [
  'dead_letters.requeue',
  'dead_letters.discard',
  'conflicts.resolve',
  'events.replay',
] as const
export type BulkKind = (typeof BULK_KINDS)[number]
export const BULK_STATES = ['running', 'done', 'aborted'] as const

export type BulkActionView = {
  id: number
  kind: BulkKind
  filter: Verbatim | null
  state: (typeof BULK_STATES)[number]
  actor: string
  reason: string | null
  total: number
  done: number
  passedOver: number
  failed: number
  left: number
  error: Verbatim | null
  abortedBy: string | null
  createdAt: Date
  changedAt: Date
  endedAt: Date | null
}

type Row = Omit<BulkActionView, 'filter' | 'error'> & { filter: string; error: string | null }

const COLUMNS = `id, kind, filter, state, actor, reason, total, done, passed_over as "passedOver", failed,
  total - done - passed_over - failed as left, error, aborted_by as "abortedBy", created_at as "createdAt", changed_at as "changedAt",
  ended_at as "endedAt"`

const asView = (row: Row): BulkActionView => ({
  ...row,
  filter: verbatim(row.filter),
  error: verbatimError(row.error),
})

/** Bulk actions, newest first. */
export async function listBulkActions(
  db: Database,
  filter: { kind?: string; state?: string; cursor?: string; limit: number },
): Promise<Page<BulkActionView>> {
  const where = new Conditions()
    .add('kind = ?', filter.kind)
    .add('state = ?', filter.state)
    .add('id < ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(
    db,
    `select ${COLUMNS} from bulk_action ${where.where} order by id desc limit ${limit}`,
    where.values,
  )
  return toPage(found.map(asView), filter.limit, ({ id }) => id)
}

export async function showBulkAction(db: Database, id: number): Promise<BulkActionView | undefined> {
  const row = await firstRow<Row>(db, `select ${COLUMNS} from bulk_action where id = $1`, [id])
  return row && asView(row)
}
