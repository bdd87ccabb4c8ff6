/** Which records an answer holds, in which order, and which page of them. */
import type { Behaviour, Collection, Page } from './description.ts'
import { type Expressions, millisOf, type Names } from './expressions.ts'
import type { Filter } from './languages/filter.ts'
import { at, type Item, isItem } from './paths.ts'
import { Refusal } from './problem.ts'
import type { Entry, Table } from './table.ts'
import { fill } from './template.ts'

type Condition = { path: string; operator: string; wanted: unknown }

const OPERATORS: Record<string, (found: unknown, wanted: unknown) => boolean> = {
  '=': (found, wanted) => same(found, wanted),
  '!=': (found, wanted) => !same(found, wanted),
  '~': (found, wanted) => String(found ?? '').toLowerCase() === String(wanted ?? '').toLowerCase(),
  contains: (found, wanted) =>
    String(found ?? '')
      .toLowerCase()
      .includes(String(wanted).toLowerCase()),
  in: (found, wanted) => listOf(wanted).some((item) => same(found, item)),
  '>': (found, wanted) => compare(found, wanted) > 0,
  '>=': (found, wanted) => compare(found, wanted) >= 0,
  '<': (found, wanted) => compare(found, wanted) < 0,
  '<=': (found, wanted) => compare(found, wanted) <= 0,
}

/** Comparisons of a request's own filter language, beside those of `where`. */
const FILTERS: Record<string, (found: unknown, wanted: unknown) => boolean> = {
  ...OPERATORS,
  'not in': (found, wanted) => !listOf(wanted).some((item) => same(found, item)),
  has: (found) => found !== undefined && found !== null && found !== '',
  'has not': (found) => found === undefined || found === null || found === '',
  starts: (found, wanted) =>
    String(found ?? '')
      .toLowerCase()
      .startsWith(String(wanted).toLowerCase()),
  ends: (found, wanted) =>
    String(found ?? '')
      .toLowerCase()
      .endsWith(String(wanted).toLowerCase()),
  like: (found, wanted) => patternOf(String(wanted)).test(String(found ?? '')),
}

/** A pattern of SQL: `%` stands for anything, `_` for one character. */
const patternOf = (text: string): RegExp =>
  new RegExp(
    `^${text
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('%', '.*')
      .replaceAll('_', '.')}$`,
    'is',
  )

function holds(filter: Filter, record: Item): boolean {
  if (Array.isArray(filter))
    return Array.isArray(filter[0])
      ? filter.some((group) => holds(group, record))
      : filter.every((part) => holds(part, record))
  if ('and' in filter) return filter.and.every((part) => holds(part, record))
  if ('or' in filter) return filter.or.some((part) => holds(part, record))
  if ('not' in filter) return !holds(filter.not, record)
  const test = FILTERS[filter.op]
  if (!test) throw new Refusal('invalid', { reason: 'operator', field: filter.path, value: filter.op }, true)
  return test(at(record, filter.path), filter.value)
}

const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [value]

const same = (found: unknown, wanted: unknown): boolean =>
  found === wanted || (found != null && wanted != null && !isItem(found) && String(found) === String(wanted))

/** Moments compare as moments, numbers as numbers, everything else as text; nothing comes first. */
function compare(a: unknown, b: unknown): number {
  if (a == null || b == null) return (a == null ? 0 : 1) - (b == null ? 0 : 1)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (isDate(a) || isDate(b)) {
    const [left, right] = [millisOf(a), millisOf(b)]
    if (left !== undefined && right !== undefined) return left - right
  }
  const [one, other] = [Number(a), Number(b)]
  if (!Number.isNaN(one) && !Number.isNaN(other)) return one - other
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}

const isDate = (value: unknown): boolean => typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value)

async function conditionsOf(where: Behaviour['where'], names: Names, expressions: Expressions): Promise<Condition[]> {
  const conditions: Condition[] = []
  for (const [key, text] of Object.entries(where ?? {})) {
    const [path = '', operator = '='] = key.split(' ')
    if (!Object.hasOwn(OPERATORS, operator)) throw new Error(`There is no operator "${operator}" (in \`where\`).`)
    const wanted = await expressions.evaluate(text, names)
    if (wanted !== undefined) conditions.push({ path, operator, wanted })
  }
  return conditions
}

/** What may be asked for records. */
type Records = Pick<Table, 'present' | 'find'> & {
  collection: { deletes: Collection['deletes']; id: { field: string } }
}

/** The entries a request means, in order. Deleted ones are left out unless `where` asks for the mark that says so. */
export async function chosen(
  table: Records,
  behaviour: Behaviour,
  names: Names,
  expressions: Expressions,
): Promise<Entry[]> {
  const conditions = await conditionsOf(behaviour.where, names, expressions)
  const { deletes } = table.collection
  const flags = deletes.how === 'flag' ? Object.keys(deletes.set) : []
  const asked =
    behaviour.with_deleted || Object.keys(behaviour.where ?? {}).some((key) => flags.includes(key.split(' ')[0]!))
  const byId = conditions.find(({ path, operator }) => path === table.collection.id.field && operator === '=')
  const candidates = byId ? [table.find(String(byId.wanted))].filter((entry) => entry !== undefined) : table.present
  let found = candidates.filter(
    (entry) =>
      (asked ? deletes.how === 'flag' || !entry.deleted : !entry.deleted) &&
      conditions.every(({ path, operator, wanted }) => OPERATORS[operator]!(at(entry.record, path), wanted)),
  )
  if (behaviour.filter) {
    const filter = (await expressions.evaluate(behaviour.filter, names)) as Filter | undefined
    if (filter !== undefined) found = found.filter(({ record }) => holds(filter, record))
  }
  if (behaviour.match) {
    const matching: Entry[] = []
    for (const entry of found)
      if ((await expressions.evaluate(behaviour.match, { ...names, record: entry.record })) === true)
        matching.push(entry)
    found = matching
  }
  return ordered(found, await fill(behaviour.order, names, expressions))
}

function ordered(entries: Entry[], order: unknown): Entry[] {
  const keys = listOf(order ?? []).flatMap((key) => (typeof key === 'string' && key ? [key.trim()] : []))
  if (keys.length === 0) return entries
  return [...entries].sort((a, b) => {
    for (const key of keys) {
      const turned = key.startsWith('-')
      const path = turned ? key.slice(1) : key
      const difference = compare(at(a.record, path), at(b.record, path))
      if (difference !== 0) return turned ? -difference : difference
    }
    return a.seq - b.seq
  })
}

/** What an answer may say of the next page; all of it is missing on the last one. */
type Next = { cursor?: string; offset?: number; number?: number; key?: unknown; url?: string; path?: string }
export type Cut<T> = { items: T[]; total: number; offset: number; size: number; number: number; next?: Next }

/** Cuts the page out of a list that the request asks for. */
export async function cut<T extends { record: Item } | Entry>(
  list: T[],
  page: Page | undefined,
  names: Names,
  expressions: Expressions,
  url: URL,
): Promise<Cut<T>> {
  if (!page || page.by === 'none') return { items: list, total: list.length, offset: 0, size: list.length, number: 1 }
  const size = await sizeOf(page, names, expressions)
  const given = page.at ? await expressions.evaluate(page.at, names) : undefined
  const offset = offsetOf(page, given, size, list)
  const items = list.slice(offset, offset + size)
  const cutOut: Cut<T> = {
    items,
    total: list.length,
    offset,
    size,
    number: Math.floor(offset / Math.max(1, size)) + page.first,
  }
  if (offset + size >= list.length) return cutOut
  const next: Next = {
    cursor: cursorOf(offset + size),
    offset: offset + size + page.first,
    number: cutOut.number + 1,
    ...(page.key ? { key: at(items.at(-1)!.record, page.key) } : {}),
  }
  const parameter = /^query\.(?:`([^`]+)`|([\w$-]+))$/.exec(page.at ?? '')
  if (parameter) {
    const link = new URL(url)
    const value = { cursor: next.cursor, offset: next.offset, number: next.number, keyset: next.key }[page.by]
    link.searchParams.set(parameter[1] ?? parameter[2]!, String(value))
    Object.assign(next, { url: link.href, path: link.pathname + link.search })
  }
  return { ...cutOut, next }
}

async function sizeOf(page: Page, names: Names, expressions: Expressions): Promise<number> {
  const given = page.size ? await expressions.evaluate(page.size, names) : undefined
  if (given === undefined || given === null || given === '') return page.default
  const size = Number(given)
  if (!Number.isSafeInteger(size) || size < 1)
    throw new Refusal('invalid', { reason: 'size', field: page.size!, value: given })
  if (size <= page.max) return size
  if (page.over === 'clamp') return page.max
  throw new Refusal(
    'invalid',
    { reason: 'size', field: page.size!, value: given, message: `at most ${page.max} a page` },
    true,
  )
}

function offsetOf<T extends { record: Item }>(page: Page, given: unknown, size: number, list: T[]): number {
  if (given === undefined || given === null || given === '') return 0
  const bad = () => new Refusal('invalid', { reason: 'position', field: page.at!, value: given }, true)
  if (page.by === 'cursor') {
    const offset = offsetOfCursor(String(given))
    if (offset === null) throw bad()
    return offset
  }
  if (page.by === 'keyset') {
    const index = list.findIndex(({ record }) => same(at(record, page.key!), given))
    if (index >= 0) return index + 1
    // The record may be gone by now: what comes after its place goes on.
    const after = list.findIndex(({ record }) => compare(at(record, page.key!), given) > 0)
    return after < 0 ? list.length : after
  }
  const number = Number(given)
  if (!Number.isSafeInteger(number) || number < page.first) throw bad()
  return page.by === 'offset' ? number - page.first : (number - page.first) * size
}

const cursorOf = (offset: number): string => Buffer.from(`p:${offset}`).toString('base64url')

function offsetOfCursor(cursor: string): number | null {
  const found = /^p:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  return found ? Number(found[1]) : null
}
