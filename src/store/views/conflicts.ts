import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import type { Selection } from './selection.ts'
import { type Verbatim, verbatim } from './verbatim.ts'

export const CONFLICT_STATES = ['open', 'decided', 'settled'] as const

export type ConflictView = {
  id: number
  sync: string
  /** Record ids on the side under `from` and the side under `to`. */
  fromId: string
  toId: string
  /** Top-level field of `to` with the path inside it; a field of `from` that only the way back writes goes by its own name. */
  field: string
  /** In whose words the values are. */
  side: 'from' | 'to'
  agreedValue: Verbatim | null
  fromValue: Verbatim | null
  toValue: Verbatim | null
  state: (typeof CONFLICT_STATES)[number]
  decision: 'from' | 'to' | 'value' | null
  decidedValue: Verbatim | null
  actor: string | null
  note: string | null
  foundAt: Date
  closedAt: Date | null
}

type Values = 'agreedValue' | 'fromValue' | 'toValue' | 'decidedValue'
type Row = Omit<ConflictView, Values> & Record<Values, string | null>

export type ConflictFilter = { ids?: number[]; sync?: string; field?: string; record?: string; state?: string }

function conditions(filter: ConflictFilter): Conditions {
  return new Conditions()
    .add('c.id = any(?)', filter.ids)
    .add('y.name = ?', filter.sync)
    .add('c.field = ?', filter.field)
    .add('? in (c.from_id, c.to_id)', filter.record)
    .add('c.state = ?', filter.state ?? 'open')
}

/** Fields that both sides of a two-way sync changed, newest first; open ones unless asked otherwise. */
export async function listConflicts(
  db: Database,
  filter: ConflictFilter & { cursor?: string; limit: number },
): Promise<Page<ConflictView>> {
  const where = conditions(filter).add(
    'c.id < ?',
    filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'),
  )
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(
    db,
    `select c.id, y.name as sync, c.from_id as "fromId", c.to_id as "toId", c.field, c.side, c.base as "agreedValue",
            c.from_value as "fromValue", c.to_value as "toValue", c.state, c.decision, c.value as "decidedValue", c.actor, c.note, c.found_at as "foundAt", c.closed_at as "closedAt"
       from conflict c join sync y on y.id = c.sync_id ${where.where} order by c.id desc limit ${limit}`,
    where.values,
  )
  const items = found.map(
    (row): ConflictView => ({
      ...row,
      agreedValue: verbatim(row.agreedValue),
      fromValue: verbatim(row.fromValue),
      toValue: verbatim(row.toValue),
      decidedValue: verbatim(row.decidedValue),
    }),
  )
  return toPage(items, filter.limit, (item) => item.id)
}

/** Open conflicts of a filter, for a bulk action: with other values they are others. */
export function openConflicts(filter: ConflictFilter): Selection {
  const where = conditions({ ...filter, state: 'open' })
  const mark = `concat_ws(' ', md5(c.from_value), md5(c.to_value))`
  return {
    text: `select c.id, c.field as code, ${mark} as mark from conflict c join sync y on y.id = c.sync_id ${where.where}`,
    values: where.values,
  }
}
