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
/** No search goes further than this; narrow the filter instead. */
const RESULT_CAP = 10_000

/** Answers a search: filters joined by AND, one sort, a page at an offset that the client sees as opaque `after`. */
export function search(book: Book, query: Record<string, unknown>) {
  const filters = (query.filters ?? []) as Filter[]
  const limit = Number(query.limit ?? 50)
  const start = query.after === undefined || query.after === null ? 0 : Number(query.after)
  if (!(limit >= 1 && limit <= 200)) throw new Refusal(400, 'VALIDATION_ERROR', 'limit must be from 1 to 200')
  if (!Number.isInteger(start) || start < 0) throw new Refusal(400, 'VALIDATION_ERROR', 'after is not from this API')
  if (start + limit > RESULT_CAP)
    throw new Refusal(400, 'VALIDATION_ERROR', `A search ends after ${RESULT_CAP} results; narrow the filter`)
  checkFilters(book, filters)
  const pool = query.archived === true ? [...book.table.rows()].filter((record) => record.archived) : book.live()
  const hits = pool.filter((record) =>
    filters.every((filter) => OPERATORS[filter.operator]?.(record[filter.property], filter)),
  )
  sort(hits, ((query.sorts ?? []) as Sort[])[0])
  const more = start + limit < hits.length
  return {
    total: hits.length,
    results: hits.slice(start, start + limit),
    ...(more && { paging: { next: { after: String(start + limit) } } }),
  }
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

function sort(hits: CrmRecord[], order: Sort | undefined): void {
  const property = order?.property ?? 'id'
  const sign = order?.direction === 'DESCENDING' ? -1 : 1
  hits.sort((a, b) => sign * (compare(a[property], b[property]) || Number(a.id) - Number(b.id)))
}

const same = (left: unknown, right: unknown): boolean =>
  left !== null && left !== undefined && String(left).toLowerCase() === String(right).toLowerCase()

/** Numbers by value, also when the filter spells them as text; everything else by its text. */
function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number') return left - Number(right)
  const [a, b] = [String(left ?? ''), String(right ?? '')]
  return a < b ? -1 : a > b ? 1 : 0
}
