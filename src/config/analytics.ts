import { type Finding, isObject, type JsonObject, type Place, type YamlFile } from '../core/index.ts'

/** Tables and files for people who ask in SQL, as the hub file asks for them. */
export type AnalyticsConfig = {
  name: string
  /** Schema of the ledger's database that holds the tables. */
  schema: string
  /** `connection:stream`, `connection:*`, or `*`. */
  streams: readonly string[]
  history: readonly string[]
  /** Roles of Postgres that may read. */
  readers: readonly string[]
  files: { folder: string; format: 'parquet' | 'csv'; everyMinutes: number } | null
  placeOf(path?: readonly (string | number)[]): Place
}

/** JSON Schema of one entry of `analytics:`. */
export const analyticsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['streams'],
  properties: {
    schema: {
      description: "Schema of the ledger's database that holds the tables; the name of the entry without it.",
      type: 'string',
      pattern: '^[a-z][a-z0-9_]{0,40}$',
    },
    streams: {
      description: 'Streams to follow: `connection:stream`, `connection:*`, or `*` for all that the hub reads.',
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
    },
    history: {
      description: 'Streams of which every state is kept, written as in `streams`.',
      type: 'array',
      items: { type: 'string', minLength: 1 },
    },
    readers: {
      description: 'Roles of Postgres that may read the tables.',
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 63 },
    },
    files: {
      description: 'Writes each table to a file as well.',
      type: 'object',
      additionalProperties: false,
      required: ['folder'],
      properties: {
        folder: { description: 'Relative to the hub folder.', type: 'string', minLength: 1 },
        format: { description: '`parquet` (default) or `csv`.', enum: ['parquet', 'csv'] },
        every_minutes: { description: 'How often; 60 without it.', type: 'integer', minimum: 5, maximum: 10_080 },
      },
    },
  },
} as const

/** The hub's own, those of Postgres, and one that everybody can write to. */
const TAKEN = /^(causeway|public|information_schema|pg_.*|bullmq.*)$/
const NAME = /^[a-z][a-z0-9_-]{0,40}$/

/** Reads the entries of `analytics:`; what the schema refused is left out. */
export function readAnalytics(yaml: YamlFile, raw: unknown): { targets: AnalyticsConfig[]; findings: Finding[] } {
  const findings: Finding[] = []
  const targets: AnalyticsConfig[] = []
  const entries: JsonObject = isObject(raw) ? raw : {}
  for (const [name, entry] of Object.entries(entries)) {
    const placeOf = (path: readonly (string | number)[] = []): Place => yaml.placeOf(['analytics', name, ...path])
    const asked: JsonObject = isObject(entry) ? entry : {}
    const schema = typeof asked.schema === 'string' ? asked.schema : name.replaceAll('-', '_')
    const twin = targets.find((target) => target.schema === schema)
    if (!NAME.test(name) || TAKEN.test(schema) || twin) {
      findings.push({
        severity: 'error',
        code: 'CSW-1005',
        message: twin
          ? `analytics.${name}: the schema ${schema} is that of ${twin.name} already`
          : NAME.test(name)
            ? `analytics.${name}: the schema ${schema} is not for tables of this kind`
            : `analytics.${name}: a name has lower-case letters, digits, "-" and "_", and begins with a letter`,
        fix: 'Choose another one.',
        place: placeOf(typeof asked.schema === 'string' ? ['schema'] : []),
      })
      continue
    }
    targets.push({
      name,
      schema,
      streams: texts(asked.streams),
      history: texts(asked.history),
      readers: texts(asked.readers),
      files: filesOf(asked.files),
      placeOf,
    })
  }
  return { targets, findings }
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

function filesOf(raw: unknown): AnalyticsConfig['files'] {
  if (!isObject(raw) || typeof raw.folder !== 'string') return null
  const { folder, format, every_minutes: every } = raw
  return {
    folder,
    format: format === 'csv' ? 'csv' : 'parquet',
    everyMinutes: typeof every === 'number' ? every : 60,
  }
}
