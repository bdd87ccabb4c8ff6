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
  throw new CausewayError('CSW-8003', {
    what: 'The cursor is not one that this list gave out.',
    fix: 'Send `next` of the page before, or no cursor for the first page.',
    data: { errors: [{ pointer: '/cursor', message: 'not a cursor of this list' }] },
  })
}

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
