/** What a manifest says about reading a stream: fields of `read`, for every protocol that asks a question and gets an answer. */
import {
  type CompiledPart,
  type Expression,
  expression,
  type Field,
  type Fields,
  part,
  type Scope,
  section,
  template,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { EACH_NAMES, type ForEach, forEachField, unusedPartition } from './for-each.ts'
import { type Incremental, incrementalPart } from './incremental.ts'
import { type Paging, pagingField } from './paging.ts'
import { idleSince, unusedNames } from './read-checks.ts'
import { type ServerCursor, serverCursorPart } from './server-cursor.ts'

const READ_NAMES = ['settings', 'since', 'cursor', 'page', ...EACH_NAMES] as const

const pageFields = (paging: Field<Paging>) => ({
  records: expression({
    sense: 'Where the records stand in the answer. No value means none; a single object counts as one.',
    names: [...ANSWER_NAMES, 'page', ...EACH_NAMES],
    default: 'response',
    example: 'response.data',
  }),
  page_size: template({
    sense: 'Value of `page.size`: how many records to ask for.',
    names: ['settings'],
    default: '100',
  }),
  paging,
  empty: expression({
    sense: 'True for an answer that looks like a failure and means: no records.',
    names: ANSWER_NAMES,
    example: 'status = 404',
  }),
  expired: expression({
    sense: 'True for an answer that refuses a stored cursor as too old; the pass then begins anew.',
    names: ANSWER_NAMES,
    example: 'status = 410',
  }),
})

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
  example: string,
  paging: Field<Paging> = pagingField as Field<Paging>,
) =>
  part({
    title: 'Read',
    sense: 'How the records of the stream are read.',
    fields: {
      ...request(READ_NAMES),
      ...pageFields(paging),
      incremental: section(incrementalPart, { sense: 'Reading changes only.' }),
      server_cursor: section(serverCursorPart, { sense: 'Reading changes only, by a mark the system gives.' }),
      fetch_ids: expression({
        sense:
          'For lists that say only which records changed: the id of each, by which it is then read as `fetch` says. What is no longer there by then is left out.',
        names: ['record', 'settings', ...EACH_NAMES],
        example: 'record.id',
      }),
      for_each: forEachField,
      deletions: section(deletionsPart(request, paging), { sense: 'Where deleted records are listed apart.' }),
    },
    check: (value) => [
      ...unusedNames(value, value.paging, value.incremental),
      ...idleSince(value, value.incremental ?? value.server_cursor),
      ...unusedPartition(value, value.for_each),
      ...(value.incremental && value.server_cursor
        ? [{ field: 'server_cursor', message: 'there is `incremental` too', fix: 'Keep one of them.' }]
        : []),
    ],
    example,
  })

export type PageSpec = CompiledPart<ReturnType<typeof pageFields>>
export type ReadSpec<R> = R &
  PageSpec & {
    incremental: Incremental | undefined
    server_cursor: ServerCursor | undefined
    fetch_ids: Expression | undefined
    for_each: ForEach | undefined
    deletions: (R & PageSpec & { id: { evaluate(scope: Scope): unknown } }) | undefined
  }
