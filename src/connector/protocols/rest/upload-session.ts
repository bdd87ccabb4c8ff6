/** Sends the bytes of a record in parts, by the requests of a manifest's upload session. */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { CausewayError, isObject, type Json, type JsonObject } from '../../../core/index.ts'
import type { ContentStream, WriteItem } from '../../contract.ts'
import type { Scope } from '../../language/index.ts'
import { type Answer, answerScope, type CallOptions } from '../../parts/answer.ts'
import { bytesRequest, fileNames, type Upload } from '../../parts/content.ts'
import { isTrue } from '../../parts/errors.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { listOf } from '../../parts/read-checks.ts'
import { buildRequest, type HttpRequest, type RequestSpec } from '../../parts/request.ts'
import { lostUpload, type UploadSummary, type UploadTarget, uploadInParts } from '../../parts/upload.ts'
import type { UploadPart } from '../../parts/upload-parts.ts'
import type { UploadStore } from '../../parts/upload-store.ts'
import type { Prepared } from '../../parts/writer.ts'

type Session = Extract<Upload, { kind: 'session' }>
type Sent = RequestSpec & { signed: boolean; accepted: { evaluate(scope: Scope): unknown } | undefined }

/** How long a target that is "not ready yet" is asked, and how often. */
const COMMIT_LOOKS = 60
const COMMIT_WAIT_MS = 1_000
const LONGEST_COMMIT_WAIT_MS = 30_000

export class RestUpload implements UploadTarget<Answer> {
  private readonly http: HttpConnection
  private readonly spec: Session
  private readonly scope: Scope
  private readonly options: CallOptions

  constructor(http: HttpConnection, spec: Session, scope: Scope, options: CallOptions) {
    this.http = http
    this.spec = spec
    this.scope = scope
    this.options = options
  }

  /** Uploads the bytes of a record and gives the last answer; failures are thrown. `key` names the upload over attempts. */
  async run({ item }: Prepared, first: ContentStream, store: UploadStore, key: string): Promise<Answer> {
    if (this.spec.part_size === undefined) return this.judged(await this.inOne(first), first, null)
    let opened: ContentStream | null = first
    const open = (from: number): Promise<ContentStream> => {
      const ready = opened
      opened = null
      if (ready && from === 0) return Promise.resolve(ready)
      ready?.stream.destroy()
      return item.content!(from)
    }
    return uploadInParts(open, this, {
      ...{ key, store, signal: this.options.signal, attempts: this.http.limits.attempts },
      digest: this.spec.digest,
    })
  }

  /** What the system asks for, else what the manifest says. */
  partSize(session: JsonObject): number {
    const asked = Number(this.spec.part_size_from?.evaluate({ session, settings: this.http.settings }))
    return Number.isSafeInteger(asked) && asked > 0 ? asked : this.spec.part_size!
  }

  async start(content: ContentStream): Promise<JsonObject> {
    const { start } = this.spec
    const answer = await this.ask(start, { file: fileNames(content) }, { idempotent: start.idempotent, repeat: true })
    const kept = start.keep.evaluate({ ...this.seen(answer), file: fileNames(content) })
    return isObject(kept) ? kept : {}
  }

  async send(session: JsonObject, part: UploadPart, summary: UploadSummary, content: ContentStream) {
    const { part: spec, commit, part_digest: name } = this.spec
    const digest = name ? createHash(name).update(part.bytes).digest() : null
    const last = part.first + part.bytes.length - 1
    const names = {
      ...{ number: part.number, index: part.number - 1, first: part.first, last, size: part.bytes.length },
      ...{ is_last: part.isLast, ...(digest ? digestNames(digest) : {}) },
    }
    const scope = { session, part: names, file: fileNames(content) }
    const request = { ...this.built(spec, scope), body: part.bytes }
    const answer = await this.exchange(spec, typed(request, content), scope, PART).catch(unanswered)
    if (answer.failure) unanswered(isGone(answer.failure) ? lostUpload(answer.failure.message) : answer.failure)
    const seen = { ...this.seen(answer), session, file: fileNames(content) }
    const offset = Number(spec.offset?.evaluate(seen) ?? Number.NaN)
    const keep = spec.keep?.evaluate({ ...seen, part: names }) as Json | undefined
    return {
      ...(Number.isSafeInteger(offset) && !part.isLast ? { offset } : {}),
      ...(keep === undefined ? {} : { keep }),
      ...(part.isLast && !commit ? { done: await this.judged(answer, content, summary, session) } : {}),
    }
  }

  get progress(): UploadTarget<Answer>['progress'] {
    return this.spec.progress ? (session, { file }) => this.held(session, fileNames(file)) : undefined
  }

  get commit(): UploadTarget<Answer>['commit'] {
    return this.spec.commit
      ? (session, parts, summary, content) => this.end(session, parts, summary, content)
      : undefined
  }

  private async held(session: JsonObject, file: Json) {
    const spec = this.spec.progress!
    const scope = { session, file }
    const answer = await this.exchange(spec, this.built(spec, scope), scope, {
      ...SAFE,
      purpose: 'read',
      notFound: 'record',
      repeat: true,
    })
    if (answer.failure && isGone(answer.failure)) return null
    if (answer.failure) throw answer.failure
    const seen = { ...this.seen(answer), session, file }
    const offset = Number(spec.offset.evaluate(seen) ?? 0)
    return {
      offset: Number.isSafeInteger(offset) ? offset : 0,
      ...(spec.parts ? { parts: listOf(spec.parts.evaluate(seen)) } : {}),
      ...(spec.finished && isTrue(spec.finished.evaluate(seen)) ? { done: answer } : {}),
    }
  }

  private async end(
    session: JsonObject,
    parts: Json[],
    summary: UploadSummary,
    content: ContentStream,
  ): Promise<Answer> {
    const spec = this.spec.commit!
    const file = summaryNames(content, summary)
    const scope = { session, parts, file }
    for (let look = 1; ; look++) {
      const answer = await this.ask(spec, scope, { idempotent: this.options.idempotent ?? false, repeat: true })
      if (!spec.again || !isTrue(spec.again.evaluate({ ...this.seen(answer), session, file })))
        return this.judged(answer, content, summary, session)
      if (look >= COMMIT_LOOKS)
        throw new CausewayError('CSW-3012', { what: 'The uploaded file is still not ready there.' })
      const asked = Number(answer.headers['retry-after']) * 1000
      const ms = Math.min(asked > 0 ? asked : COMMIT_WAIT_MS, LONGEST_COMMIT_WAIT_MS)
      await wait(ms, undefined, { signal: this.options.signal }).catch(() =>
        Promise.reject(new CausewayError('CSW-3015', { what: 'The hub stopped while an upload was being finished.' })),
      )
    }
  }

  /** All bytes in one request, to where `start` says. */
  private async inOne(content: ContentStream): Promise<Answer> {
    const session = await this.start(content)
    const { part: spec, commit } = this.spec
    const size = content.size
    const part = {
      number: 1,
      index: 0,
      first: 0,
      is_last: true,
      ...(size === undefined ? {} : { size, last: size - 1 }),
    }
    const scope = { session, part, file: fileNames(content) }
    const request = bytesRequest(this.built(spec, scope), content)
    const answer = await this.exchange(spec, request, scope, SAFE)
    if (answer.failure) throw answer.failure
    if (!commit) return answer
    const keep = spec.keep?.evaluate({ ...this.seen(answer), session, part, file: fileNames(content) }) as
      | Json
      | undefined
    return this.end(session, keep === undefined ? [] : [keep], { size: size ?? 0, crc32: 0, digest: null }, content)
  }

  /** Holds the manifest's own check of what arrived against the last answer. */
  private judged(
    answer: Answer,
    content: ContentStream,
    summary: UploadSummary | null,
    session: JsonObject = {},
  ): Answer {
    const { verify } = this.spec
    if (!verify) return answer
    const file = summary ? summaryNames(content, summary) : fileNames(content)
    if (isTrue(verify.evaluate({ ...this.seen(answer), session, file }))) return answer
    throw new CausewayError('CSW-3020', { what: 'What the target holds after the upload is not what was sent.' })
  }

  private seen(answer: Answer): Scope {
    return answerScope(answer, this.http.settings)
  }

  private built(spec: Sent, scope: Scope): HttpRequest {
    return buildRequest(spec, { ...this.scope, ...scope }, this.http.base, spec.signed ? 'any' : this.http.origins)
  }

  private async ask(spec: Sent, scope: Scope, options: Partial<CallOptions>): Promise<Answer> {
    const answer = await this.exchange(spec, this.built(spec, scope), scope, options)
    if (answer.failure) throw answer.failure
    return answer
  }

  private async exchange(
    spec: Sent,
    request: HttpRequest,
    scope: Scope,
    options: Partial<CallOptions>,
  ): Promise<Answer> {
    const whole = { ...this.options, ...options }
    const answer = spec.signed ? await this.http.callSigned(request, whole) : await this.http.call(request, whole)
    const fine = answer.failure && spec.accepted && isTrue(spec.accepted.evaluate({ ...this.seen(answer), ...scope }))
    return fine ? { ...answer, failure: null } : answer
  }
}

/** Never sent again blindly: what goes out after a failure depends on what arrived. */
const PART = { idempotent: false, repeat: false, notFound: 'record' } as const
/** All bytes in one request replace each other. */
const SAFE = { idempotent: true, repeat: false, notFound: 'record' } as const

/** A part whose answer was lost is in no doubt: the target is asked what it has, or takes the part once more. */
function unanswered(thrown: unknown): never {
  if (!(thrown instanceof CausewayError) || thrown.code !== 'CSW-3012') throw thrown
  throw new CausewayError('CSW-3001', { what: thrown.message, cause: thrown })
}
const isGone = ({ code }: CausewayError): boolean => code === 'CSW-3009'

/** One name per attempt at one record; without a key of its own an upload is known to this attempt only. */
export const uploadKey = (item: WriteItem): string => item.idempotencyKey || randomUUID()

const digestNames = (digest: Buffer) => ({ digest: digest.toString('base64'), digest_hex: digest.toString('hex') })

const summaryNames = (content: ContentStream, { size, digest }: UploadSummary): Json => ({
  ...(fileNames(content) as JsonObject),
  size,
  ...(digest ? digestNames(digest) : {}),
})

/** Parts are bytes, whatever the file is, unless the manifest says otherwise. */
function typed(request: HttpRequest, content: ContentStream): HttpRequest {
  const given = Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-type')
  const type = content.mediaType ?? 'application/octet-stream'
  return given ? request : { ...request, headers: { ...request.headers, 'Content-Type': type } }
}
