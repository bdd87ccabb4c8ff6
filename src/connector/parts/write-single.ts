/** Writing one record by a call of its own, with what is read before and what links it afterwards. */
import { asCausewayError, CausewayError, type JsonObject } from '../../core/index.ts'
import { sentOf } from '../../outbound/index.ts'
import type { WriteItem, WriteOutcome, WriteRequest } from '../contract.ts'
import { asText } from '../language/index.ts'
import { usableId } from '../manifest/record.ts'
import { type Answer, answerScope, type CallOptions } from './answer.ts'
import { errorInside } from './error-inside.ts'
import { failedOutcome } from './outcome.ts'
import { usedNames } from './read-checks.ts'
import type { WriteOperationSpec } from './write-fields.ts'
import { readBefore, sendAfter } from './write-steps.ts'
import type { Prepared, WriterContext } from './writer.ts'

/** Nothing is thrown for a record or a call that fails: it is an outcome. */
export class RecordWriter<R> {
  private readonly context: WriterContext<R>

  constructor(context: WriterContext<R>) {
    this.context = context
  }

  /** Writes one record. */
  async write(operation: WriteOperationSpec<R>, request: WriteRequest, prepared: Prepared): Promise<WriteOutcome> {
    const { item } = prepared
    try {
      return await this.sent(operation, request, prepared, operation.before ? 2 : 1)
    } catch (error) {
      return failedOutcome(item.ref, asCausewayError(error))
    }
  }

  /** Sends one record. Where it is read just before, a change in between costs one more try. */
  private async sent(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    given: Prepared,
    tries: number,
  ): Promise<WriteOutcome> {
    const { item } = given
    let prepared = given
    if (operation.before) {
      const read = (await readBefore(this.context, operation.before, [item], request.signal)).get(item.ref)!
      if ('failure' in read) return failedOutcome(item.ref, read.failure)
      prepared = { ...given, scope: { ...given.scope, current: read.current } }
    }
    const outcome = this.nothingButApart(operation, item) ?? (await this.sentOnce(operation, request, prepared))
    if (outcome.status === 'conflict' && tries > 1) return this.sent(operation, request, given, tries - 1)
    return this.linked(operation, request, given, outcome)
  }

  /** An update whose changes all travel apart needs no request of its own. */
  private nothingButApart(
    operation: WriteOperationSpec<R>,
    { ref, id, values, content }: WriteItem,
  ): WriteOutcome | null {
    const { apart } = operation
    if (!apart || id === undefined || content || !Object.keys(values).every((name) => apart.includes(name))) return null
    return { ref, status: 'written', id }
  }

  /** Sends what links a record that was written. */
  async linked(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    { item }: Prepared,
    outcome: WriteOutcome,
  ): Promise<WriteOutcome> {
    if (!operation.after || outcome.status !== 'written') return outcome
    const scope = { values: item.values, known: item.known, id: outcome.id, ref: item.ref, key: item.key }
    const options = this.options(operation, operation, request, false)
    const failure = await sendAfter(this.context, operation.after, scope, options).catch(asCausewayError)
    if (!failure) return outcome
    // The record exists. Trying a create again would make a second one; found, it is completed by an update.
    return request.operation === 'create'
      ? { ref: item.ref, status: 'unknown', error: failure }
      : failedOutcome(item.ref, failure)
  }

  private async sentOnce(
    operation: WriteOperationSpec<R>,
    request: WriteRequest,
    prepared: Prepared,
  ): Promise<WriteOutcome> {
    const { item, scope } = prepared
    try {
      const conditional =
        (item.ifVersion !== undefined && usedNames(operation).has('version')) || operation.before !== undefined
      const options = this.options(operation, operation, request, conditional)
      const { sendContent } = this.context
      const answer =
        item.content && operation.content && sendContent
          ? await sendContent(operation, prepared, options)
          : await this.context.caller.call(operation, scope, options)
      if (answer.failure) return failedCall(operation, request, item.ref, answer.failure)
      const outcome = this.written(operation, item, answer)
      return operation.id_from_lookup ? await this.identified(item, outcome, request.signal) : outcome
    } catch (error) {
      return failedCall(operation, request, item.ref, asCausewayError(error))
    }
  }

  /** How calls of the operation are made; `sent` is what may carry an idempotency key. */
  options(operation: WriteOperationSpec<R>, sent: object, request: WriteRequest, conditional: boolean): CallOptions {
    const create = request.operation === 'create'
    return {
      signal: request.signal,
      purpose: 'write',
      notFound: create ? 'address' : 'record',
      idempotent: operation.idempotent ?? (!create || usedNames(sent).has('idempotency_key')),
      conditional,
      ...(request.maySend ? { maySend: request.maySend } : {}),
      ...(request.onExchange ? { onExchange: request.onExchange } : {}),
    }
  }

  private written(operation: WriteOperationSpec<R>, item: WriteItem, answer: Answer): WriteOutcome {
    const scope = answerScope(answer, this.context.settings)
    const told = usableId(operation.id?.evaluate(scope)) ?? locationId(operation, answer)
    const wrong = told === null || told === undefined ? errorInside(answer, true) : undefined
    if (wrong !== undefined)
      return { ref: item.ref, status: 'unknown', error: errorWithSuccess(this.context.stream, wrong) }
    const id = told ?? item.id ?? null
    if (id === null) return { ref: item.ref, status: 'unknown', error: noId(this.context.stream) }
    const version = operation.version?.evaluate(scope)
    const body = operation.returned?.evaluate(scope)
    return {
      ref: item.ref,
      status: 'written',
      id,
      ...(version === undefined || version === null ? {} : { version: asText(version) }),
      ...(body === undefined || body === null ? {} : { body: body as JsonObject }),
    }
  }

  /** Looks up what an upsert has written without saying its id; two records with one key leave it unknown. */
  private async identified({ ref, key }: WriteItem, outcome: WriteOutcome, signal: AbortSignal): Promise<WriteOutcome> {
    if (outcome.status !== 'unknown' || !key) return outcome
    const [id, another] = (await this.context.idsBy?.(key.field, key.value, signal)) ?? []
    return id === undefined || another !== undefined ? outcome : { ref, status: 'written', id }
  }
}

/** Failures after which nobody knows whether the call was carried out. */
const UNANSWERED = new Set<string>(['CSW-3001', 'CSW-3002', 'CSW-3006', 'CSW-3007', 'CSW-3015'])

/** A create that may be repeated for its idempotency key may be done all the same. */
function failedCall<R>(
  operation: WriteOperationSpec<R>,
  request: WriteRequest,
  ref: string,
  error: CausewayError,
): WriteOutcome {
  const outcome = failedOutcome(ref, error)
  if (outcome.status !== 'retry' || request.operation !== 'create') return outcome
  const unanswered = UNANSWERED.has(error.code) && sentOf(error) !== 'no'
  return unanswered && usedNames(operation).has('idempotency_key') ? { ...outcome, mayBeDone: true } : outcome
}

const errorWithSuccess = (stream: string, said: string): CausewayError =>
  new CausewayError('CSW-3012', { what: `A write into ${stream} was answered with success and an error: ${said}` })

const noId = (stream: string): CausewayError =>
  new CausewayError('CSW-3012', {
    what: `The answer to a write into ${stream} does not say which record it was.`,
    fix: 'The hub looks the record up. Check `id` of the operation in the manifest.',
  })

function locationId(operation: { id_from_location?: boolean }, answer: Answer): string | null {
  if (!operation.id_from_location) return null
  const path = (answer.headers.location ?? '').split(/[?#]/, 1)[0]!.replace(/\/+$/, '')
  const last = path.slice(path.lastIndexOf('/') + 1)
  try {
    return usableId(decodeURIComponent(last))
  } catch {
    return usableId(last)
  }
}
