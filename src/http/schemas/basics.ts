import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import type { Verbatim } from '../../store/views/index.ts'

const MOMENT = '2026-01-31T08:00:00.000Z'

/** Dates leave as ISO 8601 in UTC. */
export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time', examples: [MOMENT] })
export const MaybeTime = Type.Unsafe<Date | null>({
  type: ['string', 'null'],
  format: 'date-time',
  examples: [MOMENT, null],
})
export const MaybeText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
export const MaybeNumber = Type.Unsafe<number | null>({ type: ['number', 'null'] })
export const MaybeInteger = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

/** JSON of a record or an error, as it is stored: any value. */
export const Stored = (description: string) => Type.Unsafe<Verbatim | null>({ description })

/** Closed objects: an answer with a field that is not documented fails the tests. */
export const Closed = <P extends TProperties>(properties: P, options: { description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })

export const Counts = (description: string) =>
  Type.Unsafe<Record<string, number>>({ type: 'object', additionalProperties: { type: 'integer' }, description })

export const PageOf = <S extends TSchema>(item: S) =>
  Closed({
    items: Type.Array(item),
    next: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Send it as `cursor` for the next page; null on the last one.',
    }),
  })

export const ListOf = <S extends TSchema>(item: S) => Closed({ items: Type.Array(item) })

const LIMIT_MAX = 500
export const DEFAULT_LIMIT = 50

/** Query parameters of a paged list. */
export const paging = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LIMIT_MAX, description: `Items per page; ${DEFAULT_LIMIT} unless told.` }),
  ),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000, description: '`next` of the page before.' })),
}

/** No U+0000 (Postgres takes none), and bounded. */
export const Text = (description: string, example?: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1_000,
    pattern: '^[^\\u0000]*$',
    description,
    ...(example === undefined ? {} : { examples: [example] }),
  })

export const Moment = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-01-31T08:00:00Z'] })

export const IdParams = Closed({
  id: Type.String({ pattern: '^[1-9][0-9]{0,17}$', description: 'Number of the item.', examples: ['17'] }),
})
const NAMES = { connection: 'crm', connector: 'hubspot', sync: 'contacts-to-helpdesk' }
export const NameParams = (what: keyof typeof NAMES) => Closed({ name: Text(`Name of the ${what}.`, NAMES[what]) })

export type ReasonBody = Static<typeof ReasonBody>
export const ReasonBody = Closed({
  reason: Type.Optional(Text('Why, for the audit trail.', 'the vendor asked for it')),
})

export const Problem = Closed(
  {
    type: Type.String({ examples: ['about:blank'] }),
    title: Type.String({ description: 'What the code means.', examples: ['There is nothing under this address.'] }),
    status: Type.Integer({ examples: [404] }),
    detail: Type.String({ description: 'What happened here.', examples: ['There is no dead letter 17.'] }),
    code: Type.String({
      pattern: '^CSW-[0-9]{4}$',
      description: 'Stable; listed in docs/errors.md.',
      examples: ['CSW-8002'],
    }),
    fix: Type.String({ description: 'What to do.', examples: ['Look at the list for what there is.'] }),
    requestId: Type.String({
      description: 'Also in the header `x-request-id` and in the log.',
      examples: ['0a6f7c1e-5b0d-4b57-9a43-0d2f6f3c9b1e'],
    }),
    errors: Type.Optional(Type.Array(Closed({ pointer: Type.String(), message: Type.String() }))),
  },
  { description: 'RFC 9457 problem details.' },
)
