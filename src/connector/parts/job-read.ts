/** Reading by a job that the system runs in its own time: started, waited for, and its result read as pages or files. */
import type { Readable } from 'node:stream'
import { isObject, type Json } from '../../core/index.ts'
import {
  asText,
  choice,
  type Expression,
  expression,
  type Fields,
  part,
  section,
  type Template,
  template,
  type ValueOf,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import type { PageSpec } from './page-fields.ts'
import type { Position } from './paging.ts'
import { type PollSpec, pollFields } from './poll.ts'
import { listOf, unusedNames } from './read-checks.ts'
import { formatFields, type RowFormat, streamedRows, typedField } from './rows.ts'

const filesPart = part({
  title: 'Result files',
  sense: 'The result is one file or several, zipped or not. A file on another host is fetched without our credentials.',
  fields: {
    urls: expression({
      sense: 'Their addresses, one or a list.',
      names: ['job', 'settings'],
      required: true,
      example: 'job.answer.parts.url',
    }),
    as: choice(['csv', 'jsonl'], {
      sense: 'How they are written: CSV under a header, or JSON lines.',
      default: 'jsonl',
    }),
    delimiter: formatFields.delimiter,
    typed: typedField,
  },
  example: `
read:
  job:
    start: { method: POST, path: /exports, body: { since: "\${ since }" } }
    id: response.id
    status: { path: "/exports/\${ job.id }" }
    done: response.state = "done"
    files: { urls: job.answer.files, as: jsonl }
  incremental: { value: record.updated_at }
`,
})

const TWO_WAYS = `
read:
  path: /contacts
  query: { after: "\${ cursor }", changed_since: "\${ since }" }
  records: response.items
  paging: { kind: cursor, next: response.next }
  incremental: { value: record.updated_at }
  job:
    for: whole
    count: { path: /contacts/count, value: response.count }
    above: 5000
    start: { method: POST, path: /exports }
    id: response.id
    status: { path: "/exports/\${ job.id }" }
    done: response.state = "done"
    result:
      path: /exports/\${ job.id }/results
      query: { locator: "\${ cursor }" }
      as: csv
      typed: true
      paging: { kind: cursor, next: "headers.\`x-locator\` != 'null' ? headers.\`x-locator\`" }
`

const resultPart = <R extends Fields, P extends Fields>(request: R, page: P) =>
  part({
    title: 'Result of a job',
    sense: 'The request for the result of a job, where the request of `read` is for pages.',
    fields: { ...request, ...page, ...formatFields, typed: typedField },
    check: (value) => unusedNames(value, (value as unknown as PageSpec).paging, undefined),
    ...('path' in request ? { example: TWO_WAYS } : {}),
  })

const countPart = <R extends Fields>(request: R) =>
  part({
    title: 'Count',
    sense: 'The request that tells how many records there are.',
    fields: {
      ...request,
      value: expression({
        sense: 'How many there are.',
        names: ANSWER_NAMES,
        required: true,
        example: 'response.totalSize',
      }),
    },
  })

/** The `job` of a read. `page` are the fields that say how pages are read. */
export const readJobPart = <R extends Fields, P extends Fields>(
  request: (names: readonly string[]) => R,
  names: readonly string[],
  example: string | undefined,
  page: P,
) =>
  part({
    title: 'Export job',
    sense:
      'The system prepares the result in its own time. A pull that broke off goes on with the job it had started. The request of `read` then asks for the result, with `job.id` and `job.answer` (the last status); it is left out where the result is files.',
    fields: {
      for: choice(['every', 'whole'], {
        sense:
          '`every` read is a job. `whole`: only reads of everything are (the first one, and full ones); changes are read by the pages of `read`, and `result` asks for the result of the job.',
        default: 'every',
      }),
      when: expression({
        sense: 'True where the job can be used at all; without it, always. For `whole` only.',
        names: ['settings'],
        example: 'settings.bulk',
      }),
      count: section(countPart(request(names)), {
        sense: 'Asked before a read of everything, where few records are better read by pages. For `whole` only.',
      }),
      above: template({
        sense: 'More than so many records, as `count` says, are read by the job.',
        names: ['settings'],
        example: 5000,
      }),
      start: section(part({ title: 'Start', sense: 'The request that starts the job.', fields: request(names) }), {
        sense: 'The request that starts the job.',
        required: true,
      }),
      ...pollFields(request),
      result: section(resultPart(request([...names, 'job']), page), {
        sense: 'The request for the result, where `read` has pages of its own. For `whole` only.',
      }),
      files: section(filesPart, { sense: 'Where the result is files.' }),
    },
    check: (value) => {
      const { for: which, result, files, count, above, when } = value as unknown as ReadJob<unknown>
      const twoWays = [result, count, above, when].some((field) => field !== undefined)
      return [
        ...(which === 'every' && twoWays
          ? [
              {
                field: 'for',
                message: 'every read is a job, so there is no other way',
                fix: 'Add `for: whole`, or take out `result`, `count`, `above` and `when`.',
              },
            ]
          : []),
        ...(which === 'whole' && !result && !files
          ? [{ field: 'for', message: 'nothing says where the result of the job is', fix: 'Add `result` or `files`.' }]
          : []),
        ...((count === undefined) !== (above === undefined)
          ? [{ field: count ? 'count' : 'above', message: 'one is of no use without the other', fix: 'Give both.' }]
          : []),
      ]
    },
    ...(example === undefined ? {} : { example }),
  })

export type ReadJob<R> = PollSpec<R> & {
  for: 'every' | 'whole'
  when: Expression | undefined
  count: (R & { value: Expression }) | undefined
  above: Template | undefined
  start: R
  result: (R & PageSpec & { as: RowFormat; delimiter: string; typed: boolean }) | undefined
  files: ValueOf<typeof filesPart> | undefined
}

/** A job that was started, as it is kept between pages. */
export type StartedJob = { id: Json; at: number }

export function parseJob(stored: unknown): StartedJob | null {
  return isObject(stored) && typeof stored.at === 'number' ? { id: stored.id as Json, at: stored.at } : null
}

/** Opens a result file; the caller reads the stream or destroys it. */
export type Download = (url: string, signal: AbortSignal) => Promise<Readable>

/** Rows of the result files from a position on, in portions of `size`, each with the position behind it (null: the end). */
export async function* fileRows(
  spec: ValueOf<typeof filesPart>,
  scope: Record<string, unknown>,
  from: Position,
  size: number,
  open: (url: string) => Promise<Readable>,
): AsyncGenerator<{ rows: Json[]; next: Position | null }> {
  const urls = listOf(spec.urls.evaluate(scope)).map(asText)
  const start = Number(from.file ?? 0)
  for (let file = start; file < urls.length; file++) {
    const skip = file === start ? Number(from.row ?? 0) : 0
    let rows: Json[] = []
    let row = 0
    for await (const one of streamedRows(await open(urls[file]!), spec.as, spec.delimiter)) {
      if (++row <= skip) continue
      rows.push(one)
      if (rows.length < size) continue
      yield { rows, next: { file, row } }
      rows = []
    }
    yield { rows, next: file + 1 < urls.length ? { file: file + 1, row: 0 } : null }
  }
  // A job without a result has no files.
  if (start >= urls.length) yield { rows: [], next: null }
}
