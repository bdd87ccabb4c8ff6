/** How the next page is found. A pager is told each answer and says where the next page is, in a form that can be stored. */
import { CausewayError, digest, type Json, type JsonObject } from '../../core/index.ts'
import {
  asText,
  type Expression,
  expression,
  flag,
  integer,
  part,
  type Scope,
  text,
  type ValueOf,
  variant,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer } from './answer.ts'
import { isTrue } from './errors.ts'
import { nextLink } from './link-header.ts'

const NAMES = [...ANSWER_NAMES, 'page'] as const

const stop = expression({
  sense: 'True on the last page, where the system says so.',
  names: NAMES,
  example: '$not(response.has_more)',
})
const counted = {
  total: expression({
    sense: 'How many records there are in all, where the answer tells.',
    names: NAMES,
    example: 'response.total',
  }),
  short_page_ends: flag({
    sense:
      'A page shorter than `page_size` is the last one. Saves a request; wrong where the system caps the page size or filters after counting.',
    default: false,
  }),
  clamped: flag({
    sense: 'Beyond the last page the system gives the last page again, instead of none.',
    default: false,
  }),
  stop,
}

const none = part({
  title: 'One page',
  sense: 'All records come in one answer.',
  fields: {},
  example: 'paging: { kind: none }',
})
const cursor = part({
  title: 'Cursor',
  sense:
    'The answer names a cursor; the next request carries it wherever `cursor` stands: query, header or body. No cursor means the end.',
  fields: {
    next: expression({
      sense: 'The cursor of the next page. `cursor` is that of this page; the first one has none.',
      names: [...NAMES, 'cursor'],
      required: true,
      example: 'response.paging.next',
    }),
    constant: flag({
      sense: 'The cursor stays the same from page to page (a scroll); an empty page is the end.',
      default: false,
    }),
    stop,
  },
  example: `
read:
  path: /contacts
  query: { limit: "\${ page.size }", after: "\${ cursor }" }
  records: response.data
  paging: { kind: cursor, next: response.paging.next.after }
`,
})
const offset = part({
  title: 'Offset',
  sense: 'The request says how many records to leave out: `page.offset`. An empty page is the end.',
  fields: {
    first: integer({ sense: 'What the first record is counted as.', default: 0, minimum: 0 }),
    ...counted,
  },
  example: `
read:
  path: /contacts
  query: { limit: "\${ page.size }", skip: "\${ page.offset }" }
  records: response.items
  paging: { kind: offset, total: response.total }
`,
})
const page = part({
  title: 'Page number',
  sense: 'The request names a page: `page.number`. An empty page is the end.',
  fields: {
    first: integer({ sense: 'Number of the first page.', default: 1, minimum: 0 }),
    ...counted,
  },
  example: `
read:
  path: /contacts
  query: { per_page: "\${ page.size }", page: "\${ page.number }" }
  records: response
  paging: { kind: page, first: 1 }
`,
})
const linkHeader = part({
  title: 'Link header',
  sense: 'The address of the next page stands in the `Link` header (RFC 8288).',
  fields: { rel: text({ sense: 'Which relation.', default: 'next' }), stop },
  example: `
read:
  path: /contacts
  query: { per_page: "\${ page.size }" }
  records: response
  paging: { kind: link-header }
`,
})
const nextUrl = part({
  title: 'Next URL',
  sense:
    'The answer holds the address of the next page, absolute or relative. It is used as it stands, with the same method, headers and body.',
  fields: {
    next: expression({ sense: 'The address.', names: NAMES, required: true, example: 'response.links.next' }),
    stop,
  },
  example: `
read:
  path: /contacts
  records: response.data
  paging: { kind: next-url, next: response.links.next }
`,
})

const keyset = part({
  title: 'Keyset',
  sense:
    'The next page begins behind the last record of this one: the request carries its `key` wherever `cursor` stands, and asks in the order of that key. An empty page is the end. Stays right while records come and go, and is fast at any depth.',
  fields: {
    key: expression({
      sense: 'What the next request must know of the last record; no two records may share it. May be an object.',
      names: ['record', 'settings'],
      required: true,
      example: 'record.id',
    }),
    short_page_ends: counted.short_page_ends,
    stop,
  },
  example: `
read:
  path: /contacts
  query: { limit: "\${ page.size }", id_after: "\${ cursor }", sort: id }
  records: response.data
  paging: { kind: keyset, key: record.id }
`,
})

const relay = part({
  title: 'Relay connection',
  sense:
    'The answer holds a connection with `pageInfo`; the next request carries its `endCursor` wherever `cursor` stands.',
  fields: {
    connection: expression({
      sense: 'The connection.',
      names: NAMES,
      required: true,
      example: 'response.contacts',
    }),
    stop,
  },
  example: `
read:
  query: "query ($after: String) { contacts(first: 50, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
  variables: { after: "\${ cursor }" }
  records: response.contacts.nodes
  paging: { kind: relay, connection: response.contacts }
`,
})

const SENSE = { sense: 'How the next page is found.', default: { kind: 'none' } } as const

/** Paging of protocols that have addresses. */
export const pagingField = variant(
  'kind',
  { none, cursor, keyset, offset, page, 'link-header': linkHeader, 'next-url': nextUrl },
  SENSE,
)
/** Paging of protocols that have one address only. */
export const callPagingField = variant('kind', { none, cursor, keyset, offset, page }, SENSE)
/** Paging of GraphQL. */
export const relayPagingField = variant('kind', { none, cursor, keyset, offset, page, relay }, SENSE)
export type Paging = NonNullable<(typeof pagingField)['type'] | (typeof relayPagingField)['type']>
type Counted = ValueOf<typeof offset> | ValueOf<typeof page>

/** Where a page is: plain JSON, kept in the stream's cursor. An empty object is the first page. */
export type Position = JsonObject

export type PageNames = { number: number; offset: number; size: number }

/** What the names `cursor` and `page` mean at a position, and the address to use instead of the request's own. */
export function positionScope(
  paging: Paging,
  position: Position,
  size: number,
): { cursor?: Json; page: PageNames; url?: string } {
  const index = Number(position.page ?? 0)
  const first = 'first' in paging ? paging.first : 0
  return {
    page: {
      number: index + first,
      offset: Number(position.offset ?? 0) + (paging.kind === 'offset' ? first : 0),
      size,
    },
    ...(position.cursor === undefined ? {} : { cursor: position.cursor as Json }),
    ...(typeof position.url === 'string' ? { url: position.url } : {}),
  }
}

/** What is known after a page: its answer, the scope of expressions over it, and what was on it. */
export type PageSeen = {
  answer: Answer
  scope: Scope
  count: number
  size: number
  mark: string
  lastRecord: Json | undefined
}

/** The next position after a page, or null at the end. */
export function nextPosition(paging: Paging, position: Position, seen: PageSeen): Position | null {
  const { answer, scope, count } = seen
  if (paging.kind === 'none' || ('stop' in paging && paging.stop && isTrue(paging.stop.evaluate(scope)))) return null
  switch (paging.kind) {
    case 'cursor':
      if (paging.constant && count === 0) return null
      return given(paging.next, { ...scope, cursor: position.cursor }, (value) => ({ cursor: value }))
    case 'keyset':
      if (count === 0 || (paging.short_page_ends && count < seen.size)) return null
      return given(paging.key, { record: seen.lastRecord, settings: scope.settings }, (value) => ({ cursor: value }))
    case 'relay': {
      const info = (paging.connection.evaluate(scope) as { pageInfo?: { hasNextPage?: Json; endCursor?: Json } })
        ?.pageInfo
      return info?.hasNextPage === true && info.endCursor ? { cursor: info.endCursor } : null
    }
    case 'next-url':
      return given(paging.next, scope, (value) => ({ url: asText(value) }))
    case 'link-header': {
      const url = nextLink(answer.headers.link, paging.rel)
      return url === undefined ? null : { url }
    }
    default:
      return counting(paging, paging.kind, position, seen)
  }
}

/** Systems write "no more" as null, a missing key, an empty text, or false. */
function given(next: Expression, scope: Scope, make: (value: Json) => Position): Position | null {
  const value = next.evaluate(scope)
  return value === undefined || value === null || value === '' || value === false ? null : make(value as Json)
}

function counting(
  paging: Counted,
  kind: 'offset' | 'page',
  position: Position,
  { scope, count, size, mark }: PageSeen,
): Position | null {
  if (count === 0 || (paging.short_page_ends && count < size)) return null
  const seen = Number(position.seen ?? 0) + count
  const total = Number(paging.total?.evaluate(scope) ?? Number.NaN)
  if (seen >= total) return null
  // A pull that goes on from here must recognise the page before it, if that is how the end is told.
  const before = paging.clamped ? { before: mark } : {}
  return kind === 'offset'
    ? { offset: Number(position.offset ?? 0) + count, seen, ...before }
    : { page: Number(position.page ?? 0) + 1, seen, ...before }
}

/** Notices when paging stands still. Kept for one pass; a digest per page, so that long reads stay small. */
export class LoopGuard {
  private readonly positions = new Set<string>()
  private lastMark: string
  private readonly paging: Paging
  private readonly stream: string

  constructor(paging: Paging, stream: string, position: Position) {
    this.paging = paging
    this.stream = stream
    this.lastMark = typeof position.before === 'string' ? position.before : ''
  }

  /** Throws CSW-2006 for a cursor or address that was already used. */
  enter(position: Position): void {
    if (this.paging.kind === 'cursor' && this.paging.constant) return
    const mark = digest(JSON.stringify(position))
    if (this.positions.has(mark)) throw this.circle('the same cursor came a second time')
    this.positions.add(mark)
  }

  /** True when a page repeats the one before it and that is how the system marks the end. */
  repeats(mark: string): boolean {
    const { kind } = this.paging
    const blind = kind === 'offset' || kind === 'page' || (kind === 'cursor' && this.paging.constant)
    const same = blind && mark !== '' && mark === this.lastMark
    this.lastMark = mark
    if (!same) return false
    if ('clamped' in this.paging && this.paging.clamped) return true
    throw this.circle('two pages in a row hold the same records')
  }

  private circle(what: string): CausewayError {
    return new CausewayError('CSW-2006', { what: `Reading ${this.stream} does not get on: ${what}.` })
  }
}

/** What the source says about the size of the whole list. */
export function totalOf(paging: Paging, scope: Scope): { total?: number } {
  const total = 'total' in paging && paging.total ? Number(paging.total.evaluate(scope)) : Number.NaN
  return Number.isSafeInteger(total) && total >= 0 ? { total } : {}
}
