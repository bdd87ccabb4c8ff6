/** Session login: one login for all concurrent requests, one more after the session has ended. */
import { CausewayError, type Json, parseExact } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import { type Answer, answerScope } from './answer.ts'
import type { SessionSpec } from './auth.ts'
import { type Authoriser, withHeaders, withQuery } from './authorisation.ts'
import { asLoginFailure, settled, texts } from './login-answers.ts'
import { type HttpRequest, withBody } from './request.ts'

/** After a refused login the refusal stands this long: systems lock accounts after a few wrong passwords. */
const REFUSAL_STANDS_MS = 30_000

type Session = {
  headers: Record<string, string | undefined>
  query: Record<string, string | undefined>
  scope: { token: unknown; settings: Json }
}

export class SessionAuthoriser implements Authoriser {
  private readonly spec: SessionSpec
  private readonly settings: Json
  private readonly outbound: OutboundClient
  private readonly login: (signal: AbortSignal) => Promise<Answer>
  private current: Promise<Session> | null = null

  constructor(
    spec: SessionSpec,
    settings: Json,
    outbound: OutboundClient,
    login: (signal: AbortSignal) => Promise<Answer>,
  ) {
    this.spec = spec
    this.settings = settings
    this.outbound = outbound
    this.login = login
  }

  async apply(request: Parameters<Authoriser['apply']>[0], signal: AbortSignal) {
    this.current ??= this.open()
    const stamp = this.current
    const session = await settled(stamp, signal)
    return { request: this.wrapped(withQuery(session.query)(withHeaders(session.headers)(request)), session), stamp }
  }

  /** Bodies that are not JSON text (bytes, forms) go as they are. */
  private wrapped(request: HttpRequest, { scope }: Session): HttpRequest {
    const { body } = this.spec
    if (!body || typeof request.body !== 'string' || !/^[[{]/.test(request.body)) return request
    return withBody(request, body.evaluate({ ...scope, body: parseExact(request.body) }) as Json, 'json')
  }

  renew(stamp: unknown): boolean {
    // Somebody else may have renewed it meanwhile; then the new one is simply used.
    if (this.current === stamp) this.current = null
    return true
  }

  private open(): Promise<Session> {
    // Not tied to the signal of the one request that happens to come first: others wait for the same login.
    const opened = this.login(new AbortController().signal).then((answer) => this.sessionOf(answer))
    opened.catch((error: unknown) => {
      const refused = error instanceof CausewayError && error.code === 'CSW-3003'
      setTimeout(() => this.current === opened && this.renew(opened), refused ? REFUSAL_STANDS_MS : 0).unref()
    })
    return opened
  }

  private sessionOf(answer: Answer): Session {
    if (answer.failure) throw asLoginFailure(answer.failure)
    const token = this.spec.token.evaluate(answerScope(answer, this.settings))
    if (token === false) throw new CausewayError('CSW-3003', { what: 'The login was refused, without a reason.' })
    if (token === undefined || token === null || token === '')
      throw new CausewayError('CSW-3007', {
        what: `The login was answered, but ${this.spec.token.source} is not in the answer.`,
        place: this.spec.token.place,
      })
    const scope = { token, settings: this.settings }
    const session = {
      headers: texts(this.spec.headers?.evaluate(scope)),
      query: texts(this.spec.query?.evaluate(scope)),
      scope,
    }
    for (const secret of [...secretsIn(token), ...Object.values(session.headers), ...Object.values(session.query)])
      if (secret && secret.length >= 6) this.outbound.addSecret(secret)
    return session
  }
}

function secretsIn(token: unknown): string[] {
  if (typeof token === 'string') return [token]
  return typeof token === 'object' && token !== null ? Object.values(token).flatMap(secretsIn) : []
}
