import { Refusal } from '../http/index.ts'
import type { Book } from './book.ts'
import type { CrmRecord } from './records.ts'

type Filter = { property: string; operator: string; value?: unknown; values?: unknown[] }
type Sort = { property: string; direction?: 'ASCENDING' | 'DESCENDING' }

const OPERATORS: Record<string, (left: unknown, filter: Filter) => boolean> = {
  EQ: (left, { value }) => same(left, value),
  NEQ: (left, { value }) => !same(left, value),
  GT: (left, { value }) => compare(left, value) > 0,
  GTE: (left, { value }) => compare(left, value) >= 0,
  LT: (left, { value }) => compare(left, value) < 0,
  LTE: (left, { value }) => compare(left, value) <= 0,
  IN: (left, { values }) => (values ?? []).some((value) => same(left, value)),
  HAS_PROPERTY: (left) => left !== null && left !== undefined,
  NOT_HAS_PROPERTY: (left) => left === null || left === undefined,
}

/**
 * Answers a search: filters joined by AND, one sort, a page. `after` is opaque; it holds the sort value and id of the last
 * record given, so a record that changes meanwhile is met again at its new place and none is skipped.
 */
export function search(book: Book, query: Record<string, unknown>) {
  const filters = (query.filters ?? []) as Filter[]
  const limit = Number(query.limit ?? 50)
  if (!(limit >= 1 && limit <= 200)) throw new Refusal(400, 'VALIDATION_ERROR', 'limit must be from 1 to 200')
  checkFilters(book, filters)
  const order = orderOf(((query.sorts ?? []) as Sort[])[0])
  const pool = query.archived === true ? [...book.table.rows()].filter((record) => record.archived) : book.live()
  const hits = pool
    .filter((record) => filters.every((filter) => OPERATORS[filter.operator]?.(record[filter.property], filter)))
    .sort((a, b) => order.compare(placeOf(a, order), placeOf(b, order)))
  const position = readPosition(query.after)
  const rest = position === null ? hits : hits.filter((record) => order.compare(placeOf(record, order), position) > 0)
  const results = rest.slice(0, limit)
  const last = results.at(-1)
  const more = rest.length > limit && last !== undefined
  return {
    total: hits.length,
    results,
    ...(more && { paging: { next: { after: writePosition(placeOf(last, order)) } } }),
  }
}

type Place = [value: unknown, id: string]
type Order = { property: string; compare(a: Place, b: Place): number }

function orderOf(sort: Sort | undefined): Order {
  const sign = sort?.direction === 'DESCENDING' ? -1 : 1
  return {
    property: sort?.property ?? 'id',
    compare: ([a, x], [b, y]) => sign * compare(a, b) || Number(x) - Number(y),
  }
}

const placeOf = (record: CrmRecord, { property }: Order): Place => [record[property] ?? null, record.id]

const writePosition = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function readPosition(after: unknown): Place | null {
  if (after === undefined || after === null) return null
  try {
    const place: unknown = JSON.parse(Buffer.from(String(after), 'base64url').toString())
    if (Array.isArray(place) && place.length === 2) return place as Place
  } catch {
    // Falls through: whatever it is, it was not given out here.
  }
  throw new Refusal(400, 'VALIDATION_ERROR', 'after is not from this API')
}

function checkFilters(book: Book, filters: Filter[]): void {
  if (!Array.isArray(filters) || filters.length > 10)
    throw new Refusal(400, 'VALIDATION_ERROR', 'filters must be a list of up to 10')
  for (const filter of filters) {
    if (!Object.hasOwn(book.object.fields, filter.property))
      throw new Refusal(400, 'PROPERTY_DOESNT_EXIST', `There is no property ${filter.property}`)
    if (!Object.hasOwn(OPERATORS, filter.operator))
      throw new Refusal(400, 'VALIDATION_ERROR', `There is no operator ${filter.operator}`)
    if (filter.operator === 'IN' && !(Array.isArray(filter.values) && filter.values.length <= 100))
      throw new Refusal(400, 'VALIDATION_ERROR', 'IN takes up to 100 values')
  }
}

const same = (left: unknown, right: unknown): boolean =>
  left !== null && left !== undefined && String(left).toLowerCase() === String(right).toLowerCase()

/** Numbers by value, also when the filter spells them as text; everything else by its text. */
function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number') return left - Number(right)
  const [a, b] = [String(left ?? ''), String(right ?? '')]
  return a < b ? -1 : a > b ? 1 : 0
}
