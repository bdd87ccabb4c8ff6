/** Sends calls and reads their results. Errors come with HTTP 200 as often as not. */
import { isObject, type Json } from '../../../core/index.ts'
import type { Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions } from '../../parts/answer.ts'
import { type CallSpec, methodName } from '../../parts/call.ts'
import type { HttpConnection, Interpret } from '../../parts/http.ts'
import { costOf, type HttpRequest, withBody } from '../../parts/request.ts'
import { expandTyped, plainInPlace, type TypedValues } from './typed-values.ts'

export type RpcOptions = { version: '2.0' | 'none'; typed: TypedValues | undefined }

export class RpcCaller implements Caller<CallSpec> {
  private readonly http: HttpConnection
  private readonly options: RpcOptions
  private lastId = 0

  constructor(http: HttpConnection, options: RpcOptions) {
    this.http = http
    this.options = options
  }

  defined(request: CallSpec): boolean {
    return request.call !== undefined
  }

  async call(request: CallSpec, scope: Scope, options: CallOptions): Promise<Answer> {
    await this.http.locate(options.signal)
    return this.http.call(this.built(request, scope), options, this.interpret)
  }

  /** A call without credentials. */
  login(request: CallSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    return this.http.call(this.built(request, scope), { signal, purpose: 'read' }, this.interpret, true)
  }

  private built(request: CallSpec, scope: Scope): HttpRequest {
    const params = (request.params?.evaluate(scope) ?? []) as Json
    const envelope = {
      ...(this.options.version === '2.0' ? { jsonrpc: '2.0' } : {}),
      id: ++this.lastId,
      method: methodName(request, scope),
      params: this.options.typed ? expandTyped(params, this.options.typed) : params,
    }
    return withBody(
      { method: 'POST', url: this.http.endpoint, headers: {}, ...costOf(request, scope) },
      envelope,
      'json',
    )
  }

  private readonly interpret: Interpret = (body) => {
    // A refusal below HTTP 400 level has no envelope; its status says what it is.
    if (!isObject(body)) return { response: body, fault: 'it is no JSON-RPC answer' }
    const { error, result } = body as { error?: Json; result?: Json }
    if (error !== undefined && error !== null) return { response: undefined, failed: true, names: { fault: error } }
    if (result === undefined) return { response: undefined, fault: 'it holds neither result nor error' }
    return { response: this.options.typed ? plainInPlace(result, this.options.typed) : result }
  }
}
