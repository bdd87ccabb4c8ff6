/** Fields of the `write` part: one operation each for create, update, upsert and delete, single or batched. */
import {
  type CompiledPart,
  choice,
  data,
  expression,
  type Fields,
  flag,
  integer,
  list,
  part,
  section,
  type Template,
  template,
  text,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { type DocumentSpec, documentField } from './document.ts'
import type { Method, RequestFields } from './request.ts'
import { type WriteJob, writeJobPart } from './write-job-fields.ts'
import { beforeField, stepFields, type WriteSteps } from './write-steps.ts'

/** Names of a record that is about to be written. */
const CREATE_NAMES = ['values', 'ref', 'idempotency_key', 'settings'] as const
const NAMES = {
  create: CREATE_NAMES,
  update: [...CREATE_NAMES, 'id', 'version', 'known', 'record'],
  upsert: [...CREATE_NAMES, 'key', 'id', 'version'],
  delete: ['id', 'version', 'known', 'ref', 'idempotency_key', 'settings'],
} as const
const BATCH_NAMES = ['items', 'ids', 'steps', 'secret', 'settings'] as const
const RESULT_NAMES = ['result', ...ANSWER_NAMES] as const
const FAILURE_NAMES = ['error', ...ANSWER_NAMES] as const

const correlatePart = (names: readonly string[]) =>
  part({
    title: 'Correlation',
    sense: 'Which result belongs to which record: both expressions give the same text.',
    fields: {
      result: expression({ sense: 'The mark in a result.', names: RESULT_NAMES, example: 'result.trace' }),
      error: expression({
        sense: 'The mark in an entry of `errors`.',
        names: FAILURE_NAMES,
        example: 'error.context.id',
      }),
      item: expression({
        sense: 'The mark of a record.',
        names: [...names, 'index', 'sent'],
        required: true,
        example: 'ref',
      }),
    },
    example: 'correlate: { result: result.trace, item: ref }',
  })

const batchPart = <R extends Fields>(request: RequestFields<R>, names: readonly string[]) =>
  part({
    title: 'Batch',
    sense: 'Many records in one call, with an outcome for each.',
    fields: {
      ...request(BATCH_NAMES, 'POST'),
      job: section(writeJobPart(request), { sense: 'Where the system works the batch off in its own time.' }),
      size: integer({ sense: 'Most records in one call.', required: true, minimum: 1, maximum: 100_000 }),
      item: data({
        sense: 'What stands for one record among `items`.',
        names: [...names, 'index'],
        default: names.includes('values') ? `\${ values }` : `\${ id }`,
      }),
      json_text: text({
        sense:
          'The member of each item that goes as JSON written as a text, for systems that take the body of a request inside another.',
        example: 'body',
      }),
      results: expression({
        sense:
          'The list of results, one per record. A record without a result has an unknown outcome. Without `results`, a call that succeeds has written all.',
        names: ANSWER_NAMES,
        example: 'response.results',
      }),
      errors: expression({
        sense: 'A list of refused records that is kept apart from `results`.',
        names: ANSWER_NAMES,
        example: 'response.errors',
      }),
      correlate: section(correlatePart(names), {
        sense: 'Which result belongs to which record; without it, by position.',
      }),
      failed: expression({
        sense: 'True for the result of a record that was refused.',
        names: RESULT_NAMES,
        example: '$not(result.success)',
      }),
      missing: expression({
        sense: 'True where the record no longer exists.',
        names: RESULT_NAMES,
        example: 'result.status = 404',
      }),
      conflict: expression({
        sense: 'True where the record changed meanwhile.',
        names: RESULT_NAMES,
        example: 'result.status = 412',
      }),
      again: expression({
        sense: 'True where the record may be sent again.',
        names: RESULT_NAMES,
        example: 'result.status = 429',
      }),
      id: expression({ sense: 'Id of the record written.', names: RESULT_NAMES, example: 'result.id' }),
      version: expression({ sense: 'Its new version or ETag.', names: RESULT_NAMES }),
      message: expression({ sense: 'Why a record was refused.', names: RESULT_NAMES, example: 'result.message' }),
      error_message: expression({
        sense: 'The same, in an entry of `errors`.',
        names: FAILURE_NAMES,
        example: 'error.message',
      }),
      all_or_nothing: flag({
        sense:
          'One bad record fails the whole call and nothing is done. (A refused batch is split in any case, until the bad record stands alone.)',
        default: false,
      }),
    },
    check: (batch) => [
      ...(batch.errors && !batch.correlate?.error
        ? [
            {
              field: 'errors',
              message: 'nothing says which record an error is about',
              fix: 'Add `correlate: { error: …, item: … }`.',
            },
          ]
        : []),
      ...((batch.job as WriteJob<unknown> | undefined)?.each && !batch.correlate?.result
        ? [
            {
              field: 'job.each',
              message: 'nothing says which outcome belongs to which record of the session',
              fix: 'Add `correlate: { result: …, item: … }`.',
            },
          ]
        : []),
      ...(batch.correlate?.result && !batch.results
        ? [{ field: 'correlate', message: 'there are no `results` to correlate', fix: 'Add `results`.' }]
        : []),
      ...((batch.failed || batch.missing || batch.conflict || batch.again || batch.id) && !batch.results
        ? [{ message: 'the outcome of a record is described, but not where the results are', fix: 'Add `results`.' }]
        : []),
    ],
  })

const BULK_EXAMPLE = `
write:
  upsert:
    key: [external_id]
    batch: { size: 100, path: /contacts/batch, body: { inputs: "\${ items }" }, results: response.results, id: result.id }
    bulk:
      above: 2000
      size: 10000
      path: /jobs
      body: { object: contact, operation: upsert }
      job:
        id: response.id
        upload: { path: "/jobs/\${ job.id }/data", as: csv, none: "#N/A", max_mb: 25 }
        close: { path: "/jobs/\${ job.id }", body: { state: UploadComplete } }
        status: { path: "/jobs/\${ job.id }" }
        done: response.state = "JobComplete"
        outcomes:
          ok: { path: "/jobs/\${ job.id }/successful", as: csv }
          bad: { path: "/jobs/\${ job.id }/failed", as: csv }
      results: "[response.ok, response.bad]"
      correlate: { result: result.external_id, item: values.external_id }
      failed: $exists(result.error)
      id: result.id
`

const bulkPart = <R extends Fields>(request: RequestFields<R>, names: readonly string[]) => {
  const { fields, check } = batchPart(request, names)
  return part({
    title: 'Bulk',
    sense:
      'Another call for many records, usually a job: taken where more than `above` go out together. What is fewer goes by `batch`, or one by one, and so does what is refused before a job starts. Batches of the hub are as large as this call where so many records wait.',
    fields: {
      above: template({
        sense: 'More than so many records go this way.',
        names: ['settings'],
        required: true,
        example: 2000,
      }),
      ...fields,
    },
    ...(check ? { check: (value) => check(value as never) } : {}),
    ...('path' in request([]) ? { example: BULK_EXAMPLE } : {}),
  })
}

const answerFields = {
  id: expression({ sense: 'Id of the record written.', names: ANSWER_NAMES, example: 'response.id' }),
  id_from_location: flag({ sense: 'The id is the last segment of the `Location` header.', default: false }),
  version: expression({ sense: 'Its new version or ETag.', names: ANSWER_NAMES, example: 'headers.etag' }),
  returned: expression({
    sense: 'The record as the system now holds it, if it says so.',
    names: ANSWER_NAMES,
    example: 'response',
  }),
}

const sendFields = {
  nulls: choice(['send', 'omit', 'empty_text'], {
    sense: 'What a cleared field is sent as: null, not at all, or an empty text.',
    default: 'send',
  }),
  idempotent: flag({
    sense:
      'Sending the same request twice does no more than once. Default: yes, except for a create that carries no `idempotency_key`.',
  }),
}

type Operation = keyof typeof NAMES

function operationPart<R extends Fields, F extends Fields, X extends Fields>(
  request: RequestFields<R>,
  operation: Operation,
  method: Method,
  fields: F,
  extra: (names: readonly string[]) => X,
) {
  const own: readonly string[] = NAMES[operation]
  const names = operation === 'delete' ? own : [...own, 'document']
  const sent = names.includes('id') ? [...names, 'current'] : names
  return part({
    title: operation,
    sense: `How a record is ${operation === 'upsert' ? 'created or updated, whichever is due' : `${operation.replace(/e$/, '')}ed`}.`,
    fields: {
      ...request(sent, method),
      ...fields,
      ...(operation === 'delete' ? beforeField(request) : { ...stepFields(request, names), ...documentField }),
      ...extra(names),
      batch: section(batchPart(request, sent), { sense: 'Many records in one call.' }),
      bulk: section(bulkPart(request, sent), { sense: 'A call for very many records, where there is one.' }),
    },
    check: (value) => {
      const given = value as unknown as WriteOperationSpec<unknown>
      const learnsId = given.id || given.id_from_location || given.batch?.id || given.bulk?.id
      return operation === 'create' && !learnsId
        ? [
            {
              message: 'nothing says which id a created record got',
              fix: 'Add `id: response.id`, `id_from_location: true`, or `batch.id`.',
            },
          ]
        : []
    },
  })
}

/**
 * The `write` part of a stream whose requests have the given fields. `extra` adds fields to operations that carry values
 * (file contents).
 */
export const writePart = <R extends Fields, X extends Fields>(
  request: RequestFields<R>,
  example: string,
  extra: (names: readonly string[]) => X,
) => {
  const sending = { ...answerFields, ...sendFields }
  const partial = flag({
    sense:
      'An update may carry changed fields only. Otherwise the whole record is sent, made of what the target is known to hold and the changes.',
    default: true,
  })
  const key = list(text({ sense: 'A field.' }), {
    sense: 'Fields by which the system itself finds the record.',
    required: true,
  })
  const id_from_lookup = flag({
    sense: 'Where the answer does not say the id, the record is looked up by the key that was written.',
    default: false,
  })
  return part({
    title: 'Write',
    sense: 'How records are written. Only the operations that stand here are offered.',
    fields: {
      create: section(operationPart(request, 'create', 'POST', sending, extra), { sense: 'How a record is created.' }),
      update: section(operationPart(request, 'update', 'PATCH', { ...sending, partial }, extra), {
        sense: 'How a record is changed.',
      }),
      upsert: section(operationPart(request, 'upsert', 'PUT', { ...sending, key, id_from_lookup }, extra), {
        sense: 'How a record is created or changed in one call, found by a natural key.',
      }),
      delete: section(
        operationPart(request, 'delete', 'DELETE', { idempotent: sendFields.idempotent }, () => ({})),
        {
          sense: 'How a record is deleted.',
        },
      ),
    },
    example,
  })
}

type BatchOwn = Omit<CompiledPart<ReturnType<typeof batchPart<Record<never, never>>>['fields']>, 'job'>
type Sending = CompiledPart<typeof answerFields & typeof sendFields>

/** Many records in one call, or in one job. */
export type BatchSpec<R> = R & BatchOwn & { job?: WriteJob<R> | undefined }

/** One operation as the writer sees it. */
export type WriteOperationSpec<R> = R &
  WriteSteps<R> &
  Partial<Sending> & {
    partial?: boolean
    key?: string[]
    id_from_lookup?: boolean
    batch?: BatchSpec<R> | undefined
    bulk?: (BatchSpec<R> & { above: Template }) | undefined
    content?: unknown
    document?: DocumentSpec | undefined
  }
export type WriteSpec<R> = { [K in Operation]?: WriteOperationSpec<R> | undefined }
