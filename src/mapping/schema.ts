import { CONFLICT_POLICIES, type ConflictPolicy } from './contract.ts'
import { withWords } from './schema-words.ts'

const DRAFT = { $schema: 'http://json-schema.org/draft-07/schema#' }

/** The closed JSON Schema of a mapping file. An unknown key is an error with its place and the nearest known name. */

const stream = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]*:[^:\\s]+$' }
const name = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_]*$' }
const tableName = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }
const expression = { type: 'string', minLength: 1 }
const duration = { type: 'string', pattern: '^[0-9]+(ms|s|m|h|d)$' }
const object = (properties: Record<string, object>, required: string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})

export const DELETE_POLICIES = ['ignore', 'unlink', 'deactivate', 'delete'] as const

const policy = { enum: CONFLICT_POLICIES }
const matchKeys = {
  type: 'array',
  items: { type: ['string', 'array'], items: { type: 'string', minLength: 1 }, minItems: 1, minLength: 1 },
}

/** A word or an object; which words, and that one of `every` and `cron` stands there, is checked in schedule.ts. */
const oneSchedule = {
  ...object({ every: duration, cron: { type: 'string' }, zone: { type: 'string' } }),
  type: ['string', 'object'],
}

/** Nested objects and lists whose texts are expressions; what else stands there is taken as it is. */
const template = { type: ['object', 'string'] }

const join = object(
  {
    from: stream,
    key: expression,
    field: { type: 'string', minLength: 1 },
    take: { enum: ['one', 'many'] },
    required: { type: 'boolean' },
  },
  ['from', 'key'],
)

const given = object({
  id: { type: ['string', 'number'] },
  body: { type: ['object', 'string'] },
  with: { type: 'object' },
  references: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
  deleted: { type: 'boolean' },
  now: { type: 'string' },
})

const expect = {
  ...object({
    equals: { type: ['object', 'string'] },
    contains: { type: ['object', 'string'] },
    parts: { type: 'object', additionalProperties: { type: ['object', 'string'] } },
    matches: { type: 'object', minProperties: 1, additionalProperties: { type: 'string', minLength: 1 } },
    jsonata: { type: ['string', 'array'], items: expression, minLength: 1, minItems: 1 },
    snapshot: { const: true },
    filtered: { const: true },
    error: { type: 'string', pattern: '^CSW-[0-9]{4}$' },
  }),
  minProperties: 1,
}

export const scheduleSchema = withWords({
  ...oneSchedule,
  type: ['string', 'object', 'array'],
  items: oneSchedule,
  minItems: 1,
})

/** Columns default to the first and second of a file. */
const table = {
  ...object({
    file: { type: 'string', pattern: '^(?!/)(?!.*\\.\\.)[^\\\\]+\\.(csv|ya?ml)$' },
    key: { type: 'string', minLength: 1 },
    value: { type: 'string', minLength: 1 },
    values: { type: 'object', minProperties: 1 },
  }),
  minProperties: 1,
}

const tests = {
  type: 'array',
  items: object(
    {
      name: { type: 'string', minLength: 1 },
      table: { type: 'array', minItems: 1, items: { type: 'object', propertyNames: tableName, minProperties: 1 } },
      back: { type: 'boolean' },
      given,
      expect,
    },
    ['name', 'given', 'expect'],
  ),
}

/** A `*.test.yaml` beside a mapping file: further tests of it. */
export const testFileSchema = {
  ...DRAFT,
  title: 'Causeway tests',
  ...withWords(object({ tests: { ...tests, minItems: 1 } }, ['tests'])),
}

const mapping = object(
  {
    sync: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' },
    description: { type: 'string' },
    from: stream,
    to: stream,
    match: matchKeys,
    when: expression,
    with: { type: 'object', propertyNames: name, additionalProperties: join },
    tables: { type: 'object', propertyNames: tableName, additionalProperties: table },
    map: template,
    each: object({ of: expression, key: expression, map: template }, ['of', 'key', 'map']),
    both: { type: 'object', minProperties: 1, additionalProperties: { type: 'string', minLength: 1 } },
    back: { type: 'object', minProperties: 1 },
    back_match: matchKeys,
    back_when: expression,
    back_mode: { enum: ['upsert', 'update-only'] },
    back_deletes: { enum: ['ignore', 'unlink', 'delete'] },
    conflict: {
      ...object({ default: policy, fields: { type: 'object', minProperties: 1, additionalProperties: policy } }),
      // Which words are allowed is checked in two-way.ts.
      type: ['string', 'object'],
      minProperties: 1,
    },
    mode: { enum: ['upsert', 'create-only', 'update-only', 'mirror'] },
    on_leave: { enum: ['keep', 'unlink', 'deactivate', 'delete'] },
    deactivate: { type: 'object', minProperties: 1 },
    deletes: {
      ...object({
        policy: { enum: DELETE_POLICIES },
        max_share: { type: 'number', minimum: 0, maximum: 1 },
        max_count: { type: 'integer', minimum: 0 },
        grace: duration,
      }),
      // Which words are allowed is checked in read.ts.
      type: ['string', 'object'],
    },
    on_doubt: { enum: ['ask', 'resend'] },
    on_drift: { enum: ['continue', 'hold', 'pause'] },
    content: { type: 'boolean' },
    schedule: scheduleSchema,
    full: { ...oneSchedule, type: 'object' },
    lanes: { type: 'integer', minimum: 1, maximum: 64 },
    retry: object({ attempts: { type: 'integer', minimum: 1, maximum: 100 }, base: duration, cap: duration }),
    tags: { type: 'array', items: { type: 'string', minLength: 1 } },
    tests,
  },
  ['from', 'to'],
)

export const mappingFileSchema = { ...DRAFT, title: 'Causeway mapping', ...withWords(mapping) }

type DeletePolicy = (typeof DELETE_POLICIES)[number]

export type ScheduleText = string | { every?: string; cron?: string; zone?: string }

/** A value table: its values, or the file that holds them. */
export type TableText = { file?: string; key?: string; value?: string; values?: Record<string, unknown> }

/** A mapping file after validation, in its own words. */
export type MappingFile = {
  sync?: string
  description?: string
  from: string
  to: string
  match?: (string | string[])[]
  when?: string
  with?: Record<string, { from: string; key: string; field?: string; take?: 'one' | 'many'; required?: boolean }>
  tables?: Record<string, TableText>
  map?: unknown
  each?: { of: string; key: string; map: unknown }
  /** Fields that are copied both ways: the field of `from`, and its name in `to`. */
  both?: Record<string, string>
  /** Fields of `from` as expressions over a record of `to`. */
  back?: Record<string, unknown>
  back_match?: (string | string[])[]
  back_when?: string
  back_mode?: 'upsert' | 'update-only'
  back_deletes?: 'ignore' | 'unlink' | 'delete'
  conflict?: ConflictPolicy | { default?: ConflictPolicy; fields?: Record<string, ConflictPolicy> }
  mode?: 'upsert' | 'create-only' | 'update-only' | 'mirror'
  on_leave?: 'keep' | 'unlink' | 'deactivate' | 'delete'
  deactivate?: Record<string, unknown>
  deletes?: DeletePolicy | { policy?: DeletePolicy; max_share?: number; max_count?: number; grace?: string }
  on_doubt?: 'ask' | 'resend'
  on_drift?: 'continue' | 'hold' | 'pause'
  content?: boolean
  schedule?: ScheduleText | ScheduleText[]
  full?: Exclude<ScheduleText, string>
  lanes?: number
  retry?: { attempts?: number; base?: string; cap?: string }
  tags?: string[]
  tests?: TestCase[]
}

export type TestCase = {
  name: string
  /** Makes one test of each row, with the row's values in place of `${ name }`. */
  table?: Record<string, unknown>[]
  /** Runs the way back: the record is one of `to`. */
  back?: boolean
  given: {
    id?: string | number
    /** The record; as text it is JSON and keeps the spelling of numbers. */
    body?: object | string
    with?: Record<string, unknown>
    /** Linked ids by `connection:stream/id`. */
    references?: Record<string, string | number>
    deleted?: boolean
    now?: string
  }
  expect: {
    equals?: object | string
    contains?: object | string
    parts?: Record<string, object | string>
    /** Regular expressions by the path of a field. */
    matches?: Record<string, string>
    /** Expressions over the result that must hold. */
    jsonata?: string | string[]
    /** The result is what it was when the snapshot was taken. */
    snapshot?: true
    filtered?: true
    error?: string
  }
}
