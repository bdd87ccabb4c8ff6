/** Reading by a job that the system runs in its own time: started, waited for, and its result read as pages or files. */
import type { Readable } from 'node:stream'
import { isObject, type Json } from '../../core/index.ts'
import { asText, choice, expression, type Fields, part, section, type ValueOf } from '../language/index.ts'
import type { Position } from './paging.ts'
import { type PollSpec, pollFields } from './poll.ts'
import { listOf } from './read-checks.ts'
import { formatFields, streamedRows } from './rows.ts'

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

/** The `job` of a read. */
export const readJobPart = <R extends Fields>(
  request: (names: readonly string[]) => R,
  names: readonly string[],
  example: string | undefined,
) =>
  part({
    title: 'Export job',
    sense:
      'The system prepares the result in its own time. A pull that broke off goes on with the job it had started. The request of `read` then asks for the result, with `job.id` and `job.answer` (the last status); it is left out where the result is files.',
    fields: {
      start: section(part({ title: 'Start', sense: 'The request that starts the job.', fields: request(names) }), {
        sense: 'The request that starts the job.',
        required: true,
      }),
      ...pollFields(request),
      files: section(filesPart, { sense: 'Where the result is files.' }),
    },
    ...(example === undefined ? {} : { example }),
  })

export type ReadJob<R> = PollSpec<R> & { start: R; files: ValueOf<typeof filesPart> | undefined }

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
