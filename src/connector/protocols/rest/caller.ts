/** Sends the requests of a REST manifest. */
import type { Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions } from '../../parts/answer.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { buildRequest, type HttpRequest, onSameOrigin, type RequestSpec } from '../../parts/request.ts'

export class RestCaller implements Caller<RequestSpec> {
  private readonly http: HttpConnection

  constructor(http: HttpConnection) {
    this.http = http
  }

  defined(request: RequestSpec): boolean {
    return request.path !== undefined || request.url !== undefined
  }

  async call(request: RequestSpec, scope: Scope, options: CallOptions & { url?: string }): Promise<Answer> {
    await this.http.locate(options.signal)
    return this.http.call(this.built(request, scope, options.url, options.signed), options)
  }

  /** A call without credentials. */
  login(request: RequestSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    return this.http.call(this.built(request, scope), { signal, purpose: 'read' }, undefined, true)
  }

  /** The request filled in; `next` replaces its address by one the system gave for the next page. */
  built(request: RequestSpec, scope: Scope, next?: string, signed = false): HttpRequest {
    const built = buildRequest(request, scope, this.http.base, signed ? 'any' : this.http.origins)
    if (next === undefined) return built
    const { query: _own, ...rest } = built
    return { ...rest, url: onSameOrigin(next, built.url) }
  }
}
