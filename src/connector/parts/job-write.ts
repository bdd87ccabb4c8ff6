/** Writing by a job: created, filled, closed, waited for, and its results told apart record by record. */
import { CausewayError, type Json } from '../../core/index.ts'
import { choice, expression, type Fields, map, part, section, type ValueOf } from '../language/index.ts'
import { type Answer, answerScope, type Caller, type CallOptions, type ParseBody } from './answer.ts'
import { type PollSpec, polled, pollFields } from './poll.ts'
import { listOf } from './read-checks.ts'
import { fileOf, formatFields, rowsParser } from './rows.ts'
import type { RequestFields } from './write-fields.ts'
import { type SessionSpec, sessionFields, sessionFindings } from './write-session.ts'

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

const outcomeFields = {
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
          },
        }),
        { sense: 'The request that carries the records.' },
      ),
      close: section(
        part({ title: 'Close', sense: 'The request that starts the work.', fields: request(NAMES, 'PATCH') }),
        { sense: 'The request that starts the work; without it, it starts with the request before.' },
      ),
      outcomes: map(
        section(
          part({
            title: 'Outcomes',
            sense: 'A request for a list of outcomes.',
            fields: { ...request(['job', 'item', 'settings'], 'GET'), ...outcomeFields },
          }),
          { sense: 'A request for a list of outcomes.' },
        ),
        { sense: 'Where the outcomes are told apart from the status: lists by name.', keys: '^[a-z][a-z0-9_]*$' },
      ),
    },
    check: (job) => sessionFindings(job as unknown as WriteJob<unknown>),
    // Its requests are those of REST; other protocols have the same fields around theirs.
    ...('path' in request([]) ? { example: EXAMPLE } : {}),
  })

type Uploading = { as: 'body' | 'csv' | 'jsonl' | 'json'; delimiter: string }
type Listing = ValueOf<typeof listing>
const listing = part({ title: 'Outcomes', sense: 'Only for its type.', fields: outcomeFields })
export type WriteJob<R> = PollSpec<R> &
  SessionSpec<R> & {
    upload: (R & Uploading) | undefined
    close: R | undefined
    outcomes: Record<string, R & Listing> | undefined
  }

/** The little of a request that an upload replaces. */
type Sent = { body?: { text: string; type: string } }

export type JobContext<R> = {
  caller: Caller<R>
  settings: unknown
  job: WriteJob<R>
}

const TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson', json: 'application/json' } as const

/**
 * Does the work of a job that `created` has begun. Gives an answer whose `response` holds `status` and the outcomes. Failures
 * before the start are those of the requests; later ones are CSW-3012.
 */
export async function runWriteJob<R>(
  { caller, settings, job }: JobContext<R>,
  created: Answer,
  scope: Record<string, unknown>,
  options: CallOptions,
): Promise<Answer> {
  const id = job.id?.evaluate(answerScope(created, settings)) as Json | undefined
  const names = { ...scope, job: { id: id ?? null } }
  if (job.upload) {
    const uploaded = await caller.call(job.upload, names, { ...options, ...uploadOf(job.upload, scope) })
    if (uploaded.failure) return job.close ? notStarted(uploaded) : uploaded
  }
  if (job.close) {
    const closed = await caller.call(job.close, names, options)
    if (closed.failure) return closed
  }
  try {
    return await finished({ caller, settings, job }, id, options)
  } catch (error) {
    throw doubtful(error)
  }
}

/** Nothing is worked off before the start, so a lost answer to an upload is no doubt. */
function notStarted(answer: Answer): Answer {
  if (answer.failure?.code !== 'CSW-3012') return answer
  return { ...answer, failure: new CausewayError('CSW-3006', { what: answer.failure.message, cause: answer.failure }) }
}

function uploadOf({ as, delimiter }: Uploading, { items }: Record<string, unknown>): Sent {
  return as === 'body' ? {} : { body: { text: fileOf(items as Json[], as, delimiter), type: TYPES[as] } }
}

const asItIs: ParseBody = ({ body, malformedText }) =>
  malformedText ? { fault: 'its text is not valid in its character set' } : { value: body }

/** One after the other: these are few, and the system is under its limits. */
async function askEach(items: readonly Json[], ask: (item: Json) => Promise<Json>): Promise<Json[]> {
  const answers: Json[] = []
  for (const item of items) answers.push({ item, answer: await ask(item) })
  return answers
}

/** Waits for the end of a job, and asks for its outcomes. Throws whatever keeps it from knowing them. */
export async function finished<R>(
  { caller, settings, job }: JobContext<R>,
  id: Json | undefined,
  options: CallOptions,
) {
  const asking: CallOptions = { signal: options.signal, purpose: 'read' }
  const polling = polled({
    caller,
    settings,
    spec: job,
    job: id ?? null,
    startedAt: Date.now(),
    signal: options.signal,
  })
  let step = await polling.next()
  while (!step.done) step = await polling.next()
  const status = step.value
  const names = { job: { id: id ?? null, answer: status.response }, settings }
  const response: Record<string, Json> = { status: status.response ?? null }
  for (const [name, request] of Object.entries(job.outcomes ?? {})) {
    const parse = request.as === 'text' ? asItIs : rowsParser(request.as, request.delimiter)
    const ask = async (scope: Record<string, unknown>): Promise<Json> => {
      const answer = await caller.call(request, scope, { ...asking, ...(parse ? { parse } : {}) })
      if (answer.failure) throw answer.failure
      return answer.response ?? []
    }
    response[name] = request.each
      ? await askEach(listOf(request.each.evaluate({ response, settings })), (item) => ask({ ...names, item }))
      : await ask(names)
  }
  return { ...status, response: response as Json }
}

/** Whatever breaks after the start: the records may be written or not. */
export function doubtful(error: unknown): CausewayError {
  const message = error instanceof Error ? error.message : String(error)
  return new CausewayError('CSW-3012', {
    what: `A job was started there, and what became of its records is not known: ${message}`,
    cause: error,
  })
}
