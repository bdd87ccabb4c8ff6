import { type ScheduleText, scheduleSchema } from '../mapping/index.ts'
import { FIELD_KINDS, type FieldKindName } from './kinds.ts'

/** The closed JSON Schema of a file in `entities/`. An unknown key is an error with its place and the nearest known name. */
const object = (properties: Record<string, object>, required: string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})
const stream = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]*:[^:\\s]+$' }
const name = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_]*$' }
const expression = { type: 'string', minLength: 1 }
const points = { type: 'number', minimum: 0, maximum: 1000 }

const field = object(
  {
    kind: {
      enum: Object.keys(FIELD_KINDS),
      description: 'How values are normalised and compared.',
    },
    same: { ...points, description: 'Points for the same value; a similar one gets a part of them.' },
    different: { ...points, description: 'Points taken off for a different value. A missing one counts nothing.' },
    take: {
      type: ['string', 'array'],
      items: stream,
      minItems: 1,
      description:
        'Whose value the view shows: `newest`, or streams in order of preference. All streams in the order of `records` unless told otherwise.',
    },
    access: {
      enum: ['open', 'masked', 'hidden'],
      description:
        '`masked` values are shown in full only on demand, which is audited; `hidden` ones are compared and never shown.',
    },
  },
  ['kind'],
)

const entity = object(
  {
    entity: { type: 'string', pattern: '^[a-z][a-z0-9_-]*$', description: 'Name of the type, as in the API.' },
    title: { type: 'string', minLength: 1, description: 'For people.' },
    description: { type: 'string', description: 'For people.' },
    country: {
      type: 'string',
      pattern: '^[A-Z]{2}$',
      description: 'Country of telephone and VAT numbers that name none (ISO code).',
    },
    fields: {
      type: 'object',
      propertyNames: name,
      additionalProperties: field,
      minProperties: 1,
      description: 'What records are compared by, and what the view shows.',
    },
    match: {
      ...object(
        {
          link_at: { ...points, description: 'Pairs with so many points are linked without a person.' },
          review_at: { ...points, description: 'Pairs with so many points go into the review queue.' },
        },
        ['link_at', 'review_at'],
      ),
      description: 'What becomes of a pair by the sum of its points.',
    },
    records: {
      type: 'array',
      minItems: 1,
      description: 'The streams whose records belong to the entity.',
      items: object(
        {
          stream: { ...stream, description: '`connection:stream`' },
          when: { ...expression, description: 'Only records for which this is true belong to it.' },
          fields: {
            type: 'object',
            minProperties: 1,
            additionalProperties: { type: ['string', 'array', 'object'] },
            description: 'Per field an expression over the record, or a list of them.',
          },
          at: { ...expression, description: 'When the record was last changed in its system; `newest` goes by it.' },
        },
        ['stream', 'fields'],
      ),
    },
    timeline: {
      type: 'array',
      description: 'Streams whose records tell what happened.',
      items: object(
        {
          stream: { ...stream, description: '`connection:stream`' },
          kind: { type: 'string', minLength: 1, description: 'What it is: order, invoice, ticket.' },
          when: { ...expression, description: 'Only records for which this is true are shown.' },
          of: { ...stream, description: '`key` is the id of a record of this stream of `records`.' },
          by: { ...name, description: '`key` is a value of this field, of a kind that is a key.' },
          key: { ...expression, description: 'Whose event it is.' },
          at: { ...expression, description: 'When it happened (ISO 8601, or milliseconds since 1970).' },
          text: { ...expression, description: 'One line for people.' },
        },
        ['stream', 'kind', 'key', 'at', 'text'],
      ),
    },
    schedule: {
      ...scheduleSchema,
      description:
        'When the streams above are pulled, beside the syncs that read them. `manual` unless told otherwise.',
    },
  },
  ['entity', 'fields', 'records', 'match'],
)

export const entityFileSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Causeway entity',
  ...entity,
}

/** An entity file after validation, in its own words. */
export type EntityFile = {
  entity: string
  title?: string
  description?: string
  country?: string
  fields: Record<
    string,
    {
      kind: FieldKindName
      same?: number
      different?: number
      take?: string | string[]
      access?: 'open' | 'masked' | 'hidden'
    }
  >
  match: { link_at: number; review_at: number }
  records: { stream: string; when?: string; fields: Record<string, unknown>; at?: string }[]
  timeline?: {
    stream: string
    kind: string
    when?: string
    of?: string
    by?: string
    key: string
    at: string
    text: string
  }[]
  schedule?: ScheduleText | ScheduleText[]
}
