/** Files: where a record's bytes are, how they are fetched and how they are sent. */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { ContentReference, ContentStream, SourceRecord } from '../contract.ts'
import { asText, data, expression, part, type Scope, section, type ValueOf, variant } from '../language/index.ts'
import { multipart } from './multipart.ts'
import { buildRequest, type Elsewhere, type HttpRequest, requestFields } from './request.ts'
import { formFields, uploadSessionPart } from './upload-fields.ts'

const RECORD = ['record', 'settings'] as const

export const contentPart = part({
  title: 'Content',
  sense:
    'Makes the records of a stream files: the record says where its bytes are, and they are fetched when they are needed.',
  fields: {
    when: expression({
      sense: 'True for records that have bytes; without it, all have.',
      names: RECORD,
      example: 'record.type = "file"',
    }),
    locator: data({
      sense:
        'What is needed to fetch the bytes later. It is kept with the record, so it must hold no secret and no link that expires.',
      names: RECORD,
      required: true,
      example: { id: 'a1' },
    }),
    size: expression({ sense: 'Size in bytes.', names: RECORD, example: 'record.size' }),
    hash: expression({ sense: 'A hash or ETag of the bytes.', names: RECORD, example: 'record.etag' }),
    media_type: expression({ sense: 'Media type.', names: RECORD, example: 'record.mime' }),
    name: expression({ sense: 'File name.', names: RECORD, example: 'record.name' }),
    download: section(
      part({
        title: 'Download',
        sense: 'The request whose answer is the bytes.',
        fields: requestFields(['locator', 'settings']),
      }),
      { sense: 'The request whose answer is the bytes.', required: true },
    ),
  },
  example: `
content:
  locator: { id: "\${ record.id }" }
  size: record.size
  name: record.name
  download: { path: "/files/\${ locator.id }/content" }
`,
})
export type ContentSpec = ValueOf<typeof contentPart>

/** Adds the reference to its bytes to a record. */
export function withContent(spec: ContentSpec, record: SourceRecord, settings: JsonObject): SourceRecord {
  if (record.deleted) return record
  const scope = { record: record.body, settings }
  if (spec.when && spec.when.evaluate(scope) !== true) return record
  const locator = spec.locator.evaluate(scope)
  if (!isObject(locator)) return record
  const size = Number(spec.size?.evaluate(scope) ?? Number.NaN)
  const content: ContentReference = {
    locator,
    ...(Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    ...optional('hash', spec.hash?.evaluate(scope)),
    ...optional('mediaType', spec.media_type?.evaluate(scope)),
    ...optional('name', spec.name?.evaluate(scope)),
  }
  return { ...record, content }
}

const optional = (name: 'hash' | 'mediaType' | 'name', value: unknown) =>
  value === undefined || value === null || value === '' ? {} : { [name]: asText(value) }

/** How an operation sends the bytes of its record. */
export const uploadField = (names: readonly string[]) => ({
  content: variant(
    'kind',
    {
      body: part({
        title: 'Bytes as body',
        sense: 'The request itself carries the bytes as its body.',
        fields: {},
        example: 'content: { kind: body }',
      }),
      multipart: part({
        title: 'Multipart',
        sense: 'The request is `multipart/form-data`: the fields in the order they stand here, then the bytes.',
        fields: formFields(names),
        example: `content: { kind: multipart, file: upload, fields: { attributes: { name: "\${ values.name }" } } }`,
      }),
      'follow-up': part({
        title: 'Follow-up request',
        sense: 'The record is written first; then a second request carries the bytes.',
        fields: requestFields([...new Set([...names, 'id', 'file'])], 'PUT'),
        example: `content: { kind: follow-up, method: PUT, path: "/files/\${ id }/content" }`,
      }),
      session: uploadSessionPart(names),
    },
    { sense: 'How the bytes of a file record are sent. Names: `file` has name, size, media_type and hash.' },
  ),
})
export type Upload = NonNullable<ReturnType<typeof uploadField>['content']['type']>

/** How an operation carries its bytes in a form. */
type FormUpload = Pick<Extract<Upload, { kind: 'multipart' }>, 'file' | 'fields' | 'name'>

/** The form of an upload, where its operation's own request is one. */
export const formOf = (upload: Upload): FormUpload | undefined =>
  upload.kind === 'multipart' ? upload : upload.kind === 'session' ? upload.form : undefined

/** What templates may say about the bytes at hand. */
export const fileNames = (content: Omit<ContentStream, 'stream'>): Json => ({
  ...(content.name === undefined ? {} : { name: content.name }),
  ...(content.size === undefined ? {} : { size: content.size }),
  ...(content.mediaType === undefined ? {} : { media_type: content.mediaType }),
  ...(content.hash === undefined ? {} : { hash: content.hash }),
})

/** The request with the bytes as its body. A stream can be sent once. */
export function bytesRequest(request: HttpRequest, content: ContentStream): HttpRequest {
  const typed = Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    ...request,
    body: content.stream,
    headers: {
      ...request.headers,
      ...(typed ? {} : { 'Content-Type': content.mediaType ?? 'application/octet-stream' }),
      ...(content.size === undefined ? {} : { 'Content-Length': String(content.size) }),
    },
  }
}

/** The request of an operation that carries its bytes in a multipart form. */
export function multipartRequest(
  upload: FormUpload,
  request: HttpRequest,
  scope: Scope,
  content: ContentStream,
): HttpRequest {
  const fields = upload.fields?.evaluate(scope)
  const name = upload.name?.evaluate(scope)
  const form = multipart(isObject(fields) ? fields : {}, {
    ...content,
    field: upload.file,
    name: name === undefined || name === null ? (content.name ?? 'file') : asText(name),
  })
  return {
    ...request,
    body: form.body,
    headers: {
      ...request.headers,
      'Content-Type': form.type,
      ...(form.size === undefined ? {} : { 'Content-Length': String(form.size) }),
    },
  }
}

/** The second request of a follow-up. */
export const followUpRequest = (
  upload: Extract<Upload, { kind: 'follow-up' }>,
  scope: Scope,
  base: string,
  content: ContentStream,
  elsewhere: Elsewhere = [],
): HttpRequest => bytesRequest(buildRequest(upload, scope, base, elsewhere), content)
