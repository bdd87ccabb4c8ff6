import { CausewayError } from '../../core/index.ts'

export type Page<T> = { items: T[]; next: string | null }

/** Keyset paging: a cursor is the sort key of the last item shown, so that new rows never move a page. */
const encodeCursor = (key: string | number): string => Buffer.from(JSON.stringify([key]), 'utf8').toString('base64url')

/** The key inside a cursor of ours. Anything else is refused, because silently starting over would show rows twice. */
export function decodeCursor(cursor: string, kind: 'string' | 'number'): string | number {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const key: unknown = Array.isArray(parsed) ? parsed[0] : undefined
    if (kind === 'number' && Number.isSafeInteger(key)) return key as number
    if (kind === 'string' && typeof key === 'string' && !key.includes('\0')) return key
  } catch {
    // Falls through to the one message.
  }
  throw notOfThisList()
}

const notOfThisList = (): CausewayError =>
  new CausewayError('CSW-8003', {
    what: 'The cursor is not one that this list gave out.',
    fix: 'Send `next` of the page before, or no cursor for the first page.',
    data: { errors: [{ pointer: '/cursor', message: 'not a cursor of this list' }] },
  })

/** SQL of a time to the microsecond, as Postgres has it: a Date would lose what tells two rows apart. */
export const exactTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Where a list by time goes on. All of it stands in the cursor: the row itself may be gone by then. `kind` only where a list mixes several. */
type TimePlace = { at: string; kind: string; id: string }

/** The sort key of a row in a list by time. */
export const timeKey = ({ exact, kind, id }: { exact: string; kind?: string; id: number }): string =>
  [exact, kind, id].filter((part) => part !== undefined).join(' ')

const TIME_KEY = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)(?: ([a-z]+))? (\d{1,15})$/

/** Reads the cursor of a list by time back. */
export function decodeTimePlace(cursor: string): TimePlace {
  const [, at, kind = '', id] = TIME_KEY.exec(String(decodeCursor(cursor, 'string'))) ?? []
  if (at === undefined || id === undefined || !isDay(at)) throw notOfThisList()
  return { at, kind, id }
}

/** JavaScript takes the 30th of February for the 2nd of March, and Postgres for an error. */
const isDay = (at: string): boolean =>
  !Number.isNaN(Date.parse(at)) && new Date(at).toISOString().startsWith(at.slice(0, 'YYYY-MM-DD'.length))

/** Cuts `limit + 1` fetched items to a page and says where the next one starts. */
export function toPage<T>(items: T[], limit: number, keyOf: (item: T) => string | number): Page<T> {
  if (items.length <= limit) return { items, next: null }
  const shown = items.slice(0, limit)
  return { items: shown, next: encodeCursor(keyOf(shown[limit - 1]!)) }
}

/** Collects conditions and their numbered parameters of one query. */
export class Conditions {
  readonly values: unknown[] = []
  readonly #parts: string[] = []

  /** Adds `condition` with `?` replaced by the next parameter number, unless the value is undefined. */
  add(condition: string, value: unknown): this {
    if (value === undefined) return this
    this.#parts.push(condition.replaceAll('?', `$${this.values.push(value)}`))
    return this
  }

  /** Only rows that a list by time, newest first, shows behind the place of a cursor. */
  behind(time: string, id: string, cursor: string | undefined): this {
    if (cursor === undefined) return this
    const place = decodeTimePlace(cursor)
    this.#parts.push(
      `(${time}, ${id}) < (${this.parameter(place.at)}::timestamptz, ${this.parameter(place.id)}::bigint)`,
    )
    return this
  }

  /** Adds a condition without a parameter. */
  always(condition: string): this {
    this.#parts.push(condition)
    return this
  }

  /** Registers a value that is no condition and gives its placeholder. */
  parameter(value: unknown): string {
    return `$${this.values.push(value)}`
  }

  get where(): string {
    return this.#parts.length ? `where ${this.#parts.join(' and ')}` : ''
  }
}
