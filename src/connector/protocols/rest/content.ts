/** Bytes of file records over REST. */
import { CausewayError } from '../../../core/index.ts'
import type { ContentRequest, OpenedContent } from '../../contract.ts'
import type { Answer, CallOptions } from '../../parts/answer.ts'
import { answerScope } from '../../parts/answer.ts'
import {
  bytesRequest,
  type ContentSpec,
  fileNames,
  followUpRequest,
  formOf,
  multipartRequest,
  type Upload,
} from '../../parts/content.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { rangeHeaders, rangeOf } from '../../parts/range.ts'
import { buildRequest, type HttpRequest, type RequestSpec } from '../../parts/request.ts'
import type { UploadStore } from '../../parts/upload-store.ts'
import type { WriteOperationSpec } from '../../parts/write-fields.ts'
import type { Prepared } from '../../parts/writer.ts'
import type { RestCaller } from './caller.ts'
import { RestUpload, uploadKey } from './upload-session.ts'

/** Opens the bytes of a file record, from a byte on where the system knows ranges. */
export async function download(
  http: HttpConnection,
  spec: ContentSpec,
  { reference, signal, from = 0, validator }: ContentRequest,
): Promise<OpenedContent> {
  await http.locate(signal)
  const request = buildRequest(
    spec.download,
    { locator: reference.locator, settings: http.settings },
    http.base,
    http.origins,
  )
  const headers = { Accept: '*/*', ...rangeHeaders(from, validator), ...ownCase(request.headers, 'Accept') }
  const raw = await http.bytes({ ...request, headers }, { signal, purpose: 'read', notFound: 'record' }, 'stream')
  const range = rangeOf(raw)
  const size = range.size ?? reference.size
  const mediaType = reference.mediaType ?? raw.headers['content-type']
  return {
    stream: raw.body,
    from: range.from,
    ...(range.validator === undefined ? {} : { validator: range.validator }),
    ...(size === undefined ? {} : { size }),
    ...(reference.hash === undefined ? {} : { hash: reference.hash }),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(reference.name === undefined ? {} : { name: reference.name }),
  }
}

/** The headers of a request under which one of them has the given spelling. */
const ownCase = (headers: HttpRequest['headers'], name: string): HttpRequest['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([own, value]) => [own.toLowerCase() === name.toLowerCase() ? name : own, value]),
  )

/** Makes the function that sends an operation together with the bytes of its record. */
export function contentSender(http: HttpConnection, caller: RestCaller, uploads: UploadStore) {
  return async (
    operation: WriteOperationSpec<RequestSpec>,
    { item, scope }: Prepared,
    options: CallOptions,
  ): Promise<Answer> => {
    const upload = operation.content as Upload
    if (upload.kind === 'follow-up') return followUp(http, caller, operation, { item, scope }, upload, options)
    const content = await item.content!()
    const whole = { ...scope, file: fileNames(content) }
    await http.locate(options.signal)
    if (upload.kind === 'session' && !(caller.defined(operation) && (content.size ?? Infinity) <= upload.whole_up_to)) {
      const session = new RestUpload(http, upload, { ...scope, id: item.id }, options)
      return session.run({ item, scope, index: 0 }, content, uploads, uploadKey(item))
    }
    const request = caller.built(operation, whole)
    const form = formOf(upload)
    return http.call(form ? multipartRequest(form, request, whole, content) : bytesRequest(request, content), options)
  }
}

/** The record first, then its bytes; the bytes are opened only once the record is there. */
async function followUp(
  http: HttpConnection,
  caller: RestCaller,
  operation: WriteOperationSpec<RequestSpec>,
  { item, scope }: Pick<Prepared, 'item' | 'scope'>,
  upload: Extract<Upload, { kind: 'follow-up' }>,
  options: CallOptions,
): Promise<Answer> {
  const answer = await caller.call(operation, scope, options)
  if (answer.failure) return answer
  const id = operation.id?.evaluate(answerScope(answer, http.settings)) ?? item.id
  const content = await item.content!()
  const whole = { ...scope, id, file: fileNames(content) }
  const sent = await http.call(followUpRequest(upload, whole, http.base, content, http.origins), {
    ...options,
    idempotent: true,
  })
  if (!sent.failure) return answer
  // The record exists by now: a create that is repeated would make a second one.
  const failure = new CausewayError('CSW-3012', {
    what: `The record was written, but its content was not: ${sent.failure.message}`,
    cause: sent.failure,
  })
  return { ...answer, failure: item.id === undefined ? failure : sent.failure }
}
