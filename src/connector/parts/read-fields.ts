/** What a manifest says about reading a stream: fields of `read`, for every protocol that asks a question and gets an answer. */
import {
  type Expression,
  expression,
  type Field,
  type Fields,
  type PartFinding,
  part,
  type Scope,
  section,
} from '../language/index.ts'
import { type ChangeLog, changeLogPart } from './change-log.ts'
import { EACH_NAMES, type ForEach, forEachField, unknownChanges, unusedPartition } from './for-each.ts'
import { type Incremental, incrementalPart } from './incremental.ts'
import { type ReadJob, readJobPart } from './job-read.ts'
import { type PageSpec, pageFields } from './page-fields.ts'
import { type Paging, pagingField } from './paging.ts'
import { idleSince, unusedNames } from './read-checks.ts'
import { formatFields, type RowFormat, typedField } from './rows.ts'
import { type ServerCursor, serverCursorPart } from './server-cursor.ts'

const READ_NAMES = ['settings', 'since', 'cursor', 'page', ...EACH_NAMES] as const
const RESULT_NAMES = [...READ_NAMES, 'job'] as const

const deletionsPart = <R extends Fields>(request: (names: readonly string[]) => R, paging: Field<Paging>) =>
  part({
    title: 'Deletions',
    sense:
      'A list of deleted records, asked after the changed ones. Where it takes `since`, a first read leaves it out.',
    fields: {
      ...request(READ_NAMES),
      ...pageFields(paging),
      id: expression({
        sense: 'Id of a deleted record.',
        names: ['record', 'settings', ...EACH_NAMES],
        required: true,
        example: 'record.id',
      }),
    },
    check: (value) => unusedNames(value, value.paging, undefined),
  })

/** The `read` part of a stream whose requests have the given fields. */
export const readPart = <R extends Fields>(
  request: (names: readonly string[]) => R,
  { example, job: jobExample }: { example: string; job?: string },
  paging: Field<Paging> = pagingField as Field<Paging>,
) =>
  part({
    title: 'Read',
    sense: 'How the records of the stream are read.',
    fields: {
      ...request(RESULT_NAMES),
      ...pageFields(paging),
      ...formatFields,
      typed: typedField,
      job: section(readJobPart(request, READ_NAMES, jobExample, pageFields(paging)), {
        sense: 'Where the system prepares the result in its own time.',
      }),
      incremental: section(incrementalPart, { sense: 'Reading changes only.' }),
      changes: section(changeLogPart(request, READ_NAMES, paging), {
        sense: 'A log of changes beside the list, for lists that cannot be asked for changes.',
      }),
      server_cursor: section(serverCursorPart(request), { sense: 'Reading changes only, by a mark the system gives.' }),
      fetch_ids: expression({
        sense:
          'For lists that say only which records changed: the id of each, by which it is then read as `fetch` says. What is no longer there by then is left out.',
        names: ['record', 'settings', ...EACH_NAMES],
        example: 'record.id',
      }),
      split: expression({
        sense:
          'For lists whose items hold several records: the records in one item, which it sees as `record` (with its `nested` lists whole). An item without any gives none.',
        names: ['record', 'settings', ...EACH_NAMES],
        example: 'record.company_ids.{ "contact_id": $$.record.id, "company_id": $ }',
      }),
      for_each: forEachField,
      deletions: section(deletionsPart(request, paging), { sense: 'Where deleted records are listed apart.' }),
    },
    check: (value) => [
      ...unusedNames(withStart(value, value.job), value.paging, value.incremental),
      ...idleSince(withStart(value, value.job), value.incremental ?? value.server_cursor),
      ...unusedPartition(value, value.for_each),
      ...unknownChanges(value.for_each, value),
      ...(value.incremental && value.server_cursor
        ? [{ field: 'server_cursor', message: 'there is `incremental` too', fix: 'Keep one of them.' }]
        : []),
      ...changesBeside(value),
      ...(value.split && value.fetch_ids
        ? [
            {
              field: 'split',
              message: 'there is `fetch_ids` too, which reads every record anew',
              fix: 'Keep one of them.',
            },
          ]
        : []),
      ...(value.job?.for === 'whole' && value.server_cursor && !value.server_cursor.begin
        ? [
            {
              field: 'job.for',
              message: 'after a job nobody would know the mark from which changes are read',
              fix: 'Add `server_cursor.begin`, which asks for it before the job.',
            },
          ]
        : []),
    ],
    example,
  })

/** With a log of changes nothing else may say what changed, nor cut the stream into parts with marks of their own. */
const changesBeside = (value: Record<'changes', object | undefined> & object): PartFinding[] =>
  value.changes === undefined
    ? []
    : ALONE_WITH_CHANGES.filter((field) => (value as Record<string, unknown>)[field] !== undefined).map((field) => ({
        field,
        message: 'there is `changes` too',
        fix: 'Keep one of them.',
      }))
const ALONE_WITH_CHANGES = ['incremental', 'server_cursor', 'fetch_ids', 'split', 'for_each', 'deletions', 'job']

/** A request together with the one that starts its job: either may carry what a read needs, unless they are two ways. */
const withStart = (request: object, job: { for: string; start: object } | undefined): object => ({
  ...request,
  ...(job?.for === 'whole' ? {} : startOf(job)),
})
const startOf = (job: { start: object } | undefined): object =>
  Object.fromEntries(Object.entries(job?.start ?? {}).map(([name, value]) => [`start ${name}`, value]))

export type ReadSpec<R> = R &
  PageSpec & {
    incremental: Incremental | undefined
    server_cursor: ServerCursor<R> | undefined
    changes?: ChangeLog<R> | undefined
    fetch_ids: Expression | undefined
    job?: ReadJob<R> | undefined
    as?: RowFormat | undefined
    delimiter?: string | undefined
    typed?: boolean | undefined
    split?: Expression | undefined
    for_each: ForEach | undefined
    deletions: (R & PageSpec & { id: { evaluate(scope: Scope): unknown } }) | undefined
  }
