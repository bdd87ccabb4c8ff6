/** Fields of a job that writes: how it is filled, started and asked about, and where its outcomes are told. */
import {
  choice,
  expression,
  type Fields,
  integer,
  map,
  number,
  type PartFinding,
  part,
  section,
  text,
  type ValueOf,
} from '../language/index.ts'
import { type PollSpec, pollFields } from './poll.ts'
import { type RequestFields, signedField } from './request.ts'
import { formatFields } from './rows.ts'
import { type Step, stepFindings, stepsField } from './steps.ts'

const NAMES = ['job', 'items', 'ids', 'steps', 'secret', 'settings'] as const

const EXAMPLE = `
write:
  upsert:
    key: [external_id]
    batch:
      size: 5000
      path: /jobs
      body: { object: contact, operation: upsert }
      item: \${ values }
      job:
        id: response.id
        upload: { path: "/jobs/\${ job.id }/batches", as: csv }
        close: { path: "/jobs/\${ job.id }", body: { state: UploadComplete } }
        status: { path: "/jobs/\${ job.id }" }
        done: response.state = "JobComplete"
        failed: response.state = "Failed"
        outcomes:
          ok: { path: "/jobs/\${ job.id }/successful", as: csv }
          bad: { path: "/jobs/\${ job.id }/failed", as: csv }
          left: { path: "/jobs/\${ job.id }/unprocessed", as: csv }
      results: "[response.ok, response.bad, response.left]"
      correlate: { result: result.external_id, item: values.external_id }
      failed: $exists(result.error)
      again: $not($exists(result.id)) and $not($exists(result.error))
      id: result.id
      message: result.error
`

const ARCHIVE_EXAMPLE = `
write:
  upsert:
    key: [external_id]
    batch:
      size: 500
      path: /batches
      item:
        method: PUT
        path: /contacts/\${ key.value }
        operation_id: \${ $string(index) }
        body: \${ values }
      json_text: body
      body: { operations: "\${ items }" }
      job:
        id: response.id
        status: { path: "/batches/\${ job.id }" }
        done: response.status = "finished"
        outcomes:
          answers: { url: "\${ job.answer.results_url }", signed: true, as: archive, json_text: response }
      results: response.answers
      correlate: { result: result.operation_id, item: index }
      failed: result.status_code >= 400
      id: result.response.id
      message: result.response.detail
`

/** What makes a session of a write job; `names` are those of its requests. */
const sessionFields = <R extends Fields>(request: RequestFields<R>, names: readonly string[]) => ({
  secrets: map(integer({ sense: 'How many random bytes.', minimum: 1, maximum: 1024 }), {
    sense:
      'Random bytes made for this job alone, such as the key its records are encrypted with: all its requests see them in Base64 as `secret.<name>`. They are stored nowhere.',
    keys: '^[a-z][a-z0-9_]*$',
    example: { key: 32, iv: 16 },
  }),
  steps: stepsField(request, ['settings'], {
    sense: 'Requests before the one that creates the job, whose answers it and the later ones see as `steps`.',
  }),
  each: section(
    part({
      title: 'Record of a session',
      sense:
        'The request that sends one record, as `item`, into the session that the request of the batch opened. `close` ends it; whether that succeeds does not matter to what was sent. `correlate.item` sees what was answered as `sent`. Once the session is done, `outcomes` tell of every record that arrived: one whose answer was lost and which is not among them is sent again.',
      fields: request(['item', 'index', ...names], 'POST'),
    }),
    {
      sense:
        'For systems that take the records one by one between an opening and a closing request, instead of `upload`.',
    },
  ),
})

type SessionSpec<R> = {
  secrets: Record<string, number> | undefined
  steps: Step<R>[] | undefined
  each: R | undefined
}

const sessionFindings = ({ steps, each, upload }: WriteJob<unknown>): PartFinding[] => [
  ...stepFindings('steps', steps),
  ...(each && upload
    ? [{ field: 'each', message: 'records go one by one or all at once', fix: 'Leave out `each` or `upload`.' }]
    : []),
]

const listFields = {
  as: choice(['json', 'csv', 'jsonl', 'text'], {
    sense: 'How it is written. `csv` (under a header) and `jsonl` are lists of rows; `text` is taken as it is.',
    default: 'json',
  }),
  delimiter: formatFields.delimiter,
  each: expression({
    sense:
      'A list made of the outcomes before (`response`): asked once for each of its items, which the request sees as `item`. Gives a list of `{ item, answer }`.',
    names: ['response', 'settings'],
    example: 'response.refused[reason = "duplicate"]',
  }),
}

/** What REST can ask besides: an address of its own for the outcomes, and bytes instead of text. */
const packedFields = {
  ...listFields,
  as: choice(['json', 'csv', 'jsonl', 'text', 'archive'], {
    sense:
      'How it is written. `csv` (under a header) and `jsonl` are lists of rows; `text` is taken as it is. `archive`: a tar archive, gzipped or not, of JSON files; what lies in all of them is one list. One that is cut, or larger than `limits.max_answer_mb` when inflated, says nothing.',
    default: 'json',
  }),
  json_text: text({
    sense:
      'For an archive: the member of each answer that is JSON written as a text. It becomes what the text says; a text that is no JSON stays.',
    example: 'response',
  }),
  ...signedField,
}

const outcomesPart = <R extends Fields>(request: RequestFields<R>) => {
  const isRest = 'path' in request([])
  return part({
    title: 'Outcomes',
    sense: 'A request for a list of outcomes.',
    fields: { ...request(['job', 'item', 'settings'], 'GET'), ...(isRest ? packedFields : listFields) },
    check: (value) => {
      const { as, json_text } = value as unknown as Listing
      return json_text !== undefined && as !== 'archive'
        ? [{ field: 'json_text', message: 'it is read in archives only', fix: 'Add `as: archive`, or take it out.' }]
        : []
    },
    ...(isRest ? { example: ARCHIVE_EXAMPLE } : {}),
  })
}

/** The `job` of a batch. */
export const writeJobPart = <R extends Fields>(request: RequestFields<R>) =>
  part({
    title: 'Write job',
    sense:
      'The system works the batch off in its own time: the request of the batch creates the job, `upload` fills it, `close` starts it. Then `response`, for `results` and `errors` of the batch, has `status` (the last status answer) and what `outcomes` gave, by name. What breaks before the start was not done; what breaks after it is unknown.',
    fields: {
      ...pollFields((names) => request(names, 'GET')),
      ...sessionFields(request, NAMES),
      upload: section(
        part({
          title: 'Upload',
          sense: 'The request that carries the records, where the one that creates the job does not.',
          fields: {
            ...request(NAMES, 'PUT'),
            as: choice(['body', 'csv', 'jsonl', 'json'], {
              sense: '`body`: what `body` says. Otherwise the items of the batch, written this way.',
              default: 'body',
            }),
            delimiter: formatFields.delimiter,
            none: text({
              sense:
                'What a cell of CSV holds for a field that is to be cleared. An empty cell is a field that a record does not have. A record that has this very text in a field goes by the plain call, or is refused where there is none.',
              example: '#N/A',
            }),
            max_mb: number({
              sense:
                'How large an upload may be, in millions of bytes. More records than fit go in several jobs. Where `outcomes` repeat the rows, it has to leave room below `limits.max_answer_mb`.',
              minimum: 0.001,
              example: 25,
            }),
          },
        }),
        { sense: 'The request that carries the records.' },
      ),
      close: section(
        part({ title: 'Close', sense: 'The request that starts the work.', fields: request(NAMES, 'PATCH') }),
        { sense: 'The request that starts the work; without it, it starts with the request before.' },
      ),
      outcomes: map(section(outcomesPart(request), { sense: 'A request for a list of outcomes.' }), {
        sense: 'Where the outcomes are told apart from the status: lists by name.',
        keys: '^[a-z][a-z0-9_]*$',
      }),
    },
    check: (job) => sessionFindings(job as unknown as WriteJob<unknown>),
    // Its requests are those of REST; other protocols have the same fields around theirs.
    ...('path' in request([]) ? { example: EXAMPLE } : {}),
  })

export type Uploading = {
  as: 'body' | 'csv' | 'jsonl' | 'json'
  delimiter: string
  none: string | undefined
  max_mb: number | undefined
}
export type Listing = ValueOf<typeof listing>
const listing = part({ title: 'Outcomes', sense: 'Only for its type.', fields: packedFields })
export type WriteJob<R> = PollSpec<R> &
  SessionSpec<R> & {
    upload: (R & Uploading) | undefined
    close: R | undefined
    outcomes: Record<string, R & Listing> | undefined
  }
