import { type Call, Refusal } from '../http/index.ts'
import type { Row, Table } from '../state/index.ts'
import { localTime } from './records.ts'

type Dated = Row & { updatedAt: number }

/**
 * A page with the address of the next one. The address names the last record given (by time of change where the caller asked
 * for changes, else by the order of ids), so a record that changes meanwhile is met again and none is skipped.
 */
export function list<R extends Dated>(
  table: Table<R>,
  call: Call,
  show: (row: R) => unknown,
  keep: (row: R) => boolean,
) {
  const limit = call.integer('limit', 50, 1, 200)
  const since = updatedAfter(call)
  const all = [...table.entries()].filter(([, row]) => keep(row) && (since === null || row.updatedAt > since))
  const byTime = since !== null
  all.sort(([a, x], [b, y]) => (byTime ? x.updatedAt - y.updatedAt : 0) || compareIds(a, b))
  const start = startOf(call, all, byTime)
  const rows = all.slice(start, start + limit)
  const last = rows.at(-1)
  const more = last !== undefined && start + limit < all.length
  return {
    data: rows.map(([, row]) => show(row)),
    links: { next: more ? nextPage(call, `${byTime ? last[1].updatedAt : ''}~${last[0]}`) : null },
    meta: { total: all.length, generated_at: localTime(Date.now()) },
  }
}

const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)

function startOf(call: Call, all: [string, Dated][], byTime: boolean): number {
  const cursor = call.query.get('cursor')
  if (cursor === null) return 0
  const [time, id] = Buffer.from(cursor, 'base64url').toString().split('~')
  if (id === undefined || (time !== '') !== byTime)
    throw new Refusal(400, 'bad_cursor', 'cursor does not come from this list')
  const after = all.findIndex(
    ([other, row]) =>
      (byTime ? row.updatedAt - Number(time) : 0) > 0 ||
      ((!byTime || row.updatedAt === Number(time)) && compareIds(other, id) > 0),
  )
  return after === -1 ? all.length : after
}

function nextPage(call: Call, position: string): string {
  const query = new URLSearchParams(call.query)
  query.set('cursor', Buffer.from(position).toString('base64url'))
  return `${call.origin}${call.path}?${query}`
}

function updatedAfter(call: Call): number | null {
  const text = call.query.get('updated_after')
  if (text === null) return null
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new Refusal(400, 'bad_time', 'updated_after must be a time such as 2026-01-31T10:00:00Z')
  return time
}
