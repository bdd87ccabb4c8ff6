import { type Answer, type Call, Refusal } from '../http/index.ts'
import type { Desk } from './desk.ts'
import type { HelpdeskRecord } from './records.ts'

/**
 * A numbered page. In the order of ids (the default) nothing is skipped while records change; ordered by `updated_at`, a
 * record that changes meanwhile moves to the end and the others move up, as with every system that counts pages.
 */
export function list(desk: Desk, call: Call): Answer {
  const page = call.integer('page', 1, 1, 100_000)
  const perPage = call.integer('per_page', 100, 1, 100)
  const records = select(desk, call)
  const start = (page - 1) * perPage
  const link = (number: number): string => {
    const query = new URLSearchParams(call.query)
    query.set('page', String(number))
    query.set('per_page', String(perPage))
    return `${call.origin}${call.path}?${query}`
  }
  const next = start + perPage < records.length ? link(page + 1) : null
  const previous = page > 1 ? link(page - 1) : null
  const links = [next && `<${next}>; rel="next"`, previous && `<${previous}>; rel="prev"`].filter((one) => one !== null)
  return {
    status: 200,
    headers: links.length > 0 ? { link: links.join(', ') } : {},
    json: {
      [desk.resource.name]: records.slice(start, start + perPage),
      next_page: next,
      previous_page: previous,
      count: records.length,
    },
  }
}

function select(desk: Desk, call: Call): HelpdeskRecord[] {
  const since = updatedSince(call)
  const wanted = (name: string): Set<string> | null => {
    const text = call.query.get(name)
    if (text === null) return null
    const values = text.split(',').map((value) => value.trim().toLowerCase())
    if (values.length > 100)
      throw new Refusal(400, 'InvalidParameter', `${name} takes up to 100 values`, { field: name })
    return new Set(values)
  }
  const byField = (
    [
      ['id', wanted('ids')],
      ['email', wanted('emails')],
      ['external_id', wanted('external_ids')],
    ] as const
  ).filter((entry): entry is [string, Set<string>] & typeof entry => entry[1] !== null)
  const hits = [...desk.table.rows()].filter(
    (record) =>
      // Deleted tickets show only to those who ask what has changed.
      (since === null ? record.status !== 'deleted' : record.updated_at >= since) &&
      byField.every(([field, values]) => values?.has(String(record[field] ?? '').toLowerCase())),
  )
  if (call.query.get('sort_by') === 'updated_at')
    hits.sort((a, b) => (a.updated_at < b.updated_at ? -1 : a.updated_at > b.updated_at ? 1 : a.id - b.id))
  return hits
}

function updatedSince(call: Call): string | null {
  const text = call.query.get('updated_since')
  if (text === null) return null
  const time = Date.parse(text)
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(time))
    throw new Refusal(400, 'InvalidParameter', 'updated_since must be a time such as 2026-01-31T10:00:00Z', {
      field: 'updated_since',
    })
  // Whole seconds: a time within a second includes that second.
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}
