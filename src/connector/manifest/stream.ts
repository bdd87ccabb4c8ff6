/** What every stream has, whatever its protocol. */
import type { Expression } from '../language/expression.ts'
import {
  type CompiledPart,
  choice,
  expression,
  type Field,
  type Fields,
  file,
  list,
  part,
  section,
  text,
  type ValueOf,
} from '../language/fields.ts'
import { fieldsField } from './fields.ts'

const RECORD_NAMES = ['record', 'settings'] as const

const versionPart = part({
  title: 'Version',
  sense: 'Tells which of two states of a record is the newer one, so that older data never overwrites newer.',
  fields: {
    value: expression({
      sense: 'The version of a record. No value means: this record has none.',
      names: RECORD_NAMES,
      required: true,
      example: 'record.updated_at',
    }),
    type: choice(['timestamp', 'number', 'text'], {
      sense:
        'How versions compare. `timestamp`: ISO in any usual spelling, SQL style, HTTP date, seconds or milliseconds since 1970. `text`: byte by byte.',
      default: 'timestamp',
    }),
  },
  example: 'version: { value: record.updated_at, type: timestamp }',
})
type VersionSpec = ValueOf<typeof versionPart>

const unorderedPart = part({
  title: 'Without order',
  sense:
    'Fields are sorted by name, so that an unchanged record is seen to be unchanged. Lists keep their order, but for those named.',
  fields: {
    lists: list(text({ sense: 'A field at the top of the record that holds a list.' }), {
      sense: 'Lists whose order means nothing.',
      example: ['CustomFields'],
    }),
  },
  example: 'unordered: { lists: [tags] }',
})
export type UnorderedSpec = ValueOf<typeof unorderedPart>

function keyField(preset: string | null | undefined): { key?: Field<Expression | undefined> } {
  if (preset === null) return {}
  const key = expression({
    sense: 'The id of a record, stable over its whole life. Numbers become text.',
    names: RECORD_NAMES,
    ...(preset === undefined ? { required: true as const } : { default: preset }),
    example: 'record.id',
  })
  return { key: key as Field<Expression | undefined> }
}

/** Fields of a stream that belong to the room, not to a protocol. A protocol may supply `key` and `version` by itself. */
export function commonStreamFields(
  defaults: { key?: string | null; version?: { value: string; type: 'timestamp' | 'number' | 'text' } } = {},
) {
  return {
    title: text({ sense: 'What people call the records.', required: true, example: 'Contacts' }),
    description: text({ sense: 'One or two sentences about them.' }),
    ...keyField(defaults.key),
    version: section(versionPart, {
      sense: 'Where records carry a version or a time of change.',
      ...(defaults.version === undefined ? {} : { default: defaults.version }),
    }) as Field<VersionSpec | undefined>,
    deleted: expression({
      sense: 'True for a tombstone: a record that is there only to say that it is gone.',
      names: RECORD_NAMES,
      example: 'record.archived',
    }),
    aliases: expression({
      sense: 'Former ids of the same record (merged or renamed): one value or a list.',
      names: RECORD_NAMES,
      example: 'record.merged_ids',
    }),
    merged_into: expression({
      sense:
        'For systems that delete a record when it is merged into another one, and name that one in the tombstone: its id. The record lives on in it, so what the target has of it is not deleted. Asked of tombstones only. No value means: it is just gone.',
      names: RECORD_NAMES,
      example: 'record.merged_into_id',
    }),
    moved_by: expression({
      sense:
        'For ids that are places (paths): what a record keeps when it is moved to another one, such as its ETag. A new record that has this in common with exactly one known record, and only where a look shows that one gone, is that record under a new id. No value means: nothing.',
      names: RECORD_NAMES,
      example: 'record.etag',
    }),
    condition: expression({
      sense:
        'What a write can be made conditional on, so that it is refused where somebody changed the record after it was read: its ETag or revision, in the spelling in which the system wants it back. Writes have it as `version` (`If-Match: "${ version }"`). `headers` are those of an answer to `fetch` for one record, and empty elsewhere. No value means: this record has none.',
      names: [...RECORD_NAMES, 'headers'],
      example: 'headers.etag',
    }),
    unordered: section(unorderedPart, {
      sense: 'For systems that give the fields of an object (or the items of a list) in another order each time.',
    }) as Field<UnorderedSpec | undefined>,
    fields: fieldsField,
    schema: file({
      sense:
        'JSON Schema (draft-07) of the records as they are read: a file beside the manifest, or the schema itself.',
      example: 'schemas/contact.json',
    }),
    write_schema: file({
      sense: 'JSON Schema of what may be written, where it differs from what is read.',
      example: 'schemas/contact.write.json',
    }),
  } satisfies Fields
}
export type CommonStream = CompiledPart<ReturnType<typeof commonStreamFields>>
