/** Sends the requests of a REST manifest. */
import type { CompiledPart, Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions } from '../../parts/answer.ts'
import { type Authoriser, type authField, type StaticAuth, staticAuthoriser } from '../../parts/auth.ts'
import type { HttpConnection } from '../../parts/http.ts'
import {
  buildRequest,
  type HttpRequest,
  onSameOrigin,
  type RequestSpec,
  type requestFields,
} from '../../parts/request.ts'
import { SessionAuthoriser } from '../../parts/session.ts'
import type { ProtocolContext } from '../contract.ts'

export class RestCaller implements Caller<RequestSpec> {
  private readonly http: HttpConnection

  constructor(http: HttpConnection) {
    this.http = http
  }

  defined(request: RequestSpec): boolean {
    return request.path !== undefined || request.url !== undefined
  }

  call(request: RequestSpec, scope: Scope, options: CallOptions & { url?: string }): Promise<Answer> {
    return this.http.call(this.built(request, scope, options.url), options)
  }

  /** A call without credentials. */
  login(request: RequestSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    return this.http.call(this.built(request, scope), { signal, purpose: 'read' }, undefined, true)
  }

  /** The request filled in; `next` replaces its address by one the system gave for the next page. */
  built(request: RequestSpec, scope: Scope, next?: string): HttpRequest {
    const built = buildRequest(request, scope, this.http.base)
    if (next === undefined) return built
    const { query: _own, ...rest } = built
    return { ...rest, url: onSameOrigin(next, built.url) }
  }
}

type Auth = CompiledPart<{ auth: ReturnType<typeof authField<ReturnType<typeof requestFields>>> }>['auth']

/** Credentials of a REST connection; a session logs in with a request of its own, without credentials. */
export function restAuthoriser(
  auth: Auth,
  caller: RestCaller,
  { settings, outbound }: Pick<ProtocolContext<unknown, unknown>, 'settings' | 'outbound'>,
): Authoriser {
  if (auth?.kind !== 'session') return staticAuthoriser(auth as StaticAuth | undefined, { settings })
  return new SessionAuthoriser(auth, settings, outbound, (signal) => caller.login(auth.login, { settings }, signal))
}
