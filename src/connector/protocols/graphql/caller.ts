/** Sends queries and mutations, and reads their data. Failures come with HTTP 200, and beside data. */
import { CausewayError, isObject, type Json, type JsonObject } from '../../../core/index.ts'
import { asText, type Expression, type Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions } from '../../parts/answer.ts'
import { isTrue } from '../../parts/errors.ts'
import type { HttpConnection, Interpret } from '../../parts/http.ts'
import { costOf, type HttpRequest, withBody } from '../../parts/request.ts'
import { perItem, repeated } from './each.ts'
import type { OperationSpec } from './request.ts'

type GraphError = { message?: Json; path?: Json; extensions?: Json }

export class GraphQLCaller implements Caller<OperationSpec> {
  private readonly http: HttpConnection
  private readonly tolerated: Expression | undefined

  constructor(http: HttpConnection, tolerated: Expression | undefined) {
    this.http = http
    this.tolerated = tolerated
  }

  defined(request: OperationSpec): boolean {
    return request.query !== undefined || request.each !== undefined
  }

  async call(request: OperationSpec, scope: Scope, options: CallOptions): Promise<Answer> {
    await this.http.locate(options.signal)
    return this.http.call(this.built(request, scope), options, (body) => this.interpret(body, request))
  }

  /** A call without credentials. */
  login(request: OperationSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    const interpret: Interpret = (body) => this.interpret(body, request)
    return this.http.call(this.built(request, scope), { signal, purpose: 'read' }, interpret, true)
  }

  private built(request: OperationSpec, scope: Scope): HttpRequest {
    const bare = { method: 'POST', url: this.http.endpoint, headers: {}, ...costOf(request, scope) }
    return withBody(bare, this.document(request, scope), 'json')
  }

  private document(request: OperationSpec, scope: Scope): JsonObject {
    if (request.each !== undefined) return repeated(request.each, request.types, (scope.items ?? []) as Json[])
    const query = request.query?.evaluate(scope)
    if (query === undefined || query === null)
      throw new CausewayError('CSW-2007', {
        what: 'A call has no `query`, or something inserted in it is missing.',
        ...(request.query ? { place: request.query.place } : {}),
      })
    const variables = request.variables?.evaluate(scope)
    return { query: asText(query), ...(isObject(variables) ? { variables: variables as JsonObject } : {}) }
  }

  private interpret(body: Json | undefined, request: OperationSpec): ReturnType<Interpret> {
    if (!isObject(body)) return { response: body, fault: 'it is no GraphQL answer' }
    const { data, errors, extensions } = body as { data?: Json; errors?: Json; extensions?: Json }
    const all = Array.isArray(errors) ? (errors as GraphError[]) : []
    const many = request.each === undefined ? null : perItem(data, all)
    const counted = (many?.others ?? all).filter((fault) => !this.tolerates(fault))
    const response = many ? (many.results as Json[]) : data
    if (data === undefined && all.length === 0)
      return { response: body as Json, fault: 'it holds neither data nor errors' }
    return {
      response,
      failed: counted.length > 0,
      names: { fault: counted[0] ?? all[0], faults: all, extensions },
    }
  }

  private tolerates(fault: GraphError): boolean {
    return this.tolerated !== undefined && isTrue(this.tolerated.evaluate({ fault, settings: this.http.settings }))
  }
}
