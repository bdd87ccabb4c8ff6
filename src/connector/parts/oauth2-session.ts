/** The tokens of an OAuth 2.0 connection: got, renewed and stored once for all who need them, here and in other processes. */
import { setTimeout as wait } from 'node:timers/promises'
import { CausewayError, type Clock, digest, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import type { CodeLogin } from '../contract.ts'
import { type Answer, answerScope } from './answer.ts'
import { type Authoriser, withHeaders, withQuery } from './authorisation.ts'
import { authorizeUrl, codeOf } from './code-login.ts'
import { objectOf, textOf } from './jwt.ts'
import { asLoginFailure, settled, texts } from './login-answers.ts'
import { type GivenCode, grantOf, type OAuth2Spec, secretsOfToken, tokenRequest } from './oauth2.ts'
import type { HttpRequest } from './request.ts'
import { millisecondsOf, sortableTimestamp } from './timestamps.ts'
import type { TokenStore } from './token-store.ts'

/** Who asks for tokens has this long; then another process may believe that it died, and ask itself. */
const CLAIM_MS = 60_000
const POLL_MS = 200
/** After a refusal nothing is asked for this long: systems lock clients after a few wrong tries. */
const REFUSAL_STANDS_MS = 30_000

/** Tokens as they are stored. */
type Tokens = {
  version: number
  /** Digest of the grant they were given for. */
  grant: string
  access_token?: string
  refresh_token?: string
  /** The whole token answer. */
  token?: Json
  /** When to renew, in milliseconds since 1970; absent: at the first 401. */
  renew_at?: number
  /** Until when somebody is renewing. */
  claimed_until?: number
  /** Until when a refusal of this grant stands, for all processes. */
  refused_until?: number
}
type Held = Tokens & { access_token: string }

/** Another way to tokens than a token request of OAuth 2.0. */
export type OwnGrant = {
  /** What the tokens depend on: another one makes stored tokens worthless. Only its digest is kept. */
  identity: string
  /** What to do after a refusal. */
  fix: string
  /** Asks with a refresh token (and what was given with it), or from the beginning. `response` is what was given. */
  ask(refreshToken: string | null, token: Json, signal: AbortSignal): Promise<Answer>
}

export type OAuth2Context = {
  spec: OAuth2Spec
  settings: JsonObject
  outbound: OutboundClient
  store: TokenStore
  clock: Clock
  /** Asks in a way of its own, instead of by a token request. */
  own?: OwnGrant
  /** Resolves the address of the token request. */
  addressOf(url: string): string
  /** Sends a request without credentials. */
  send(request: HttpRequest, signal: AbortSignal): Promise<Answer>
}

export class OAuth2Authoriser implements Authoriser {
  private readonly context: OAuth2Context
  private readonly grant: string
  private held: Held | null = null
  /** The access token that this process asked for itself; another one was taken from the store. */
  private asked: string | null = null
  /** Got, but not stored yet, because the store failed. */
  private unsaved: Held | null = null
  private renewing: Promise<Held> | null = null
  private refused: string | null = null
  private refusal: { error: CausewayError; until: number } | null = null

  constructor(context: OAuth2Context) {
    this.context = context
    this.grant = digest(context.own?.identity ?? grantOf(context.spec, this.scope))
  }

  async apply(request: HttpRequest, signal: AbortSignal) {
    const held = await this.usable(signal)
    const { spec } = this.context
    const scope = { ...this.scope, token: held.token, access_token: held.access_token }
    const headers =
      spec.headers || spec.query
        ? texts(spec.headers?.evaluate(scope))
        : { Authorization: `Bearer ${held.access_token}` }
    return {
      request: withQuery(texts(objectOf(spec.query, scope)))(withHeaders(headers)(request)),
      stamp: held.access_token,
      taken: held.access_token !== this.asked,
    }
  }

  /** The token answer, for `base_url` and headers. */
  async token(signal: AbortSignal): Promise<Json> {
    return (await this.usable(signal)).token ?? null
  }

  /** A refresh token that serves once is used up with the question: its answer has to reach the store. */
  async settled(): Promise<void> {
    await this.renewing?.catch(() => undefined)
  }

  renew(stamp: unknown): boolean {
    // Somebody else may have renewed it meanwhile; then the new one is simply used.
    const { held } = this
    if (held && held.access_token === stamp) {
      this.refused = held.access_token
      this.held = null
    }
    return true
  }

  private get scope() {
    return { settings: this.context.settings }
  }

  private get now(): number {
    return this.context.clock.now().getTime()
  }

  private usable(signal: AbortSignal): Promise<Held> {
    if (this.held && this.isFresh(this.held)) return Promise.resolve(this.held)
    // Not tied to the signal of the one request that happens to come first: others wait for the same tokens.
    this.renewing ??= this.obtain().finally(() => {
      this.renewing = null
    })
    return settled(this.renewing, signal)
  }

  private isFresh(tokens: Tokens): tokens is Held {
    const { access_token, renew_at } = tokens
    return (
      access_token !== undefined && access_token !== this.refused && (renew_at === undefined || this.now < renew_at)
    )
  }

  /** Takes the tokens another process stored, or claims the right to ask and asks. */
  private async obtain(): Promise<Held> {
    const { store } = this.context
    if (this.refusal && this.now < this.refusal.until) throw this.refusal.error
    if (this.unsaved) return this.keep(this.unsaved)
    for (;;) {
      const stored = (await store.load()) as Tokens | null
      const known = stored?.grant === this.grant ? stored : null
      if (known && this.isFresh(known)) return this.hold(known)
      if ((known?.refused_until ?? 0) > this.now)
        throw this.refusedGrant(
          new CausewayError('CSW-3003', { what: 'Another process was refused these credentials a moment ago.' }),
        )
      if ((known?.claimed_until ?? 0) > this.now) {
        await wait(POLL_MS)
        continue
      }
      const { refused_until: _over, ...rest } = known ?? { grant: this.grant }
      const claim: Tokens = {
        ...(rest as Tokens),
        version: (stored?.version ?? 0) + 1,
        claimed_until: this.now + CLAIM_MS,
      }
      if (await store.save(claim, stored?.version ?? null)) return this.ask(claim)
    }
  }

  private async ask(claim: Tokens): Promise<Held> {
    try {
      const answer = await this.granted(claim)
      return await this.keep(this.tokensOf(answer, claim))
    } catch (error) {
      const refused = error instanceof CausewayError && error.code === 'CSW-3003'
      if (refused) this.refusal = { error, until: this.now + REFUSAL_STANDS_MS }
      if (!this.unsaved)
        await this.release({ ...claim, ...(refused ? { refused_until: this.now + REFUSAL_STANDS_MS } : {}) })
      throw error
    }
  }

  /** Asks with the refresh token; where that is refused and the grant needs none, by the grant itself. */
  private async granted(claim: Tokens): Promise<Answer> {
    const { spec } = this.context
    const refreshing = needsRefreshToken(spec)
    const refreshToken = claim.refresh_token ?? (refreshing ? (textOf(spec.refresh_token, this.scope) ?? '') : null)
    if (spec.grant === 'authorization_code' && refreshToken === '') throw notAllowedYet()
    const answer = await this.request(refreshToken, claim)
    if (!answer.failure) return answer
    const failure = asLoginFailure(answer.failure)
    if (failure.code === 'CSW-3003' && refreshToken !== null && !refreshing) {
      const second = await this.request(null, claim)
      if (!second.failure) return second
      throw this.refusedGrant(asLoginFailure(second.failure))
    }
    throw this.refusedGrant(failure)
  }

  private request(refreshToken: string | null, { token }: Tokens): Promise<Answer> {
    const { own } = this.context
    return own ? own.ask(refreshToken, token ?? null, askingTime()) : this.send(refreshToken)
  }

  private send(refreshToken: string | null, code?: GivenCode): Promise<Answer> {
    const { spec, clock, outbound } = this.context
    const url = this.context.addressOf(textOf(spec.token_url, this.scope) ?? '')
    const { request, secrets } = tokenRequest(spec, this.scope, {
      url,
      refreshToken,
      now: clock.now(),
      ...(code ? { code } : {}),
    })
    for (const secret of [...secrets, refreshToken ?? '', code?.code ?? ''])
      if (secret.length >= 6) outbound.addSecret(secret)
    return this.context.send(request, askingTime())
  }

  private refusedGrant(failure: CausewayError): CausewayError {
    if (failure.code !== 'CSW-3003') return failure
    const { own, spec } = this.context
    const { grant } = spec
    return new CausewayError('CSW-3003', {
      what: failure.message,
      fix:
        own?.fix ??
        (grant === 'authorization_code'
          ? 'Allow the connection anew: `causeway auth login <connection>`, then resume the connection.'
          : grant === 'refresh_token'
            ? 'The refresh token is no longer valid (used up, revoked or expired). Allow the connection anew in that system, put the new refresh token into its setting, then resume the connection.'
            : 'Check client id, client secret or key, and the rights of this client in that system; then resume the connection.'),
      data: failure.data,
      cause: failure,
    })
  }

  private tokensOf(answer: Answer, claim: Tokens): Held {
    const { spec, settings } = this.context
    const given = spec.answer.evaluate(answerScope(answer, settings)) as Json | undefined
    const scope = { token: given }
    const access = textOf(spec.access_token, scope)
    if (access === undefined)
      throw new CausewayError('CSW-3007', {
        what: `The token request was answered, but ${spec.access_token.source} is not in the answer.`,
        place: spec.access_token.place,
      })
    // A token got with an own grant needs none; client credentials are not renewed by refresh tokens (RFC 6749, 4.4.3).
    const rotated =
      spec.grant === 'client_credentials' ? undefined : (textOf(spec.rotated, scope) ?? claim.refresh_token)
    const refresh = rotated ?? (needsRefreshToken(spec) ? textOf(spec.refresh_token, this.scope) : undefined)
    const renewAt = this.renewAt(scope, answer.requestedAt)
    return {
      version: claim.version + 1,
      grant: this.grant,
      access_token: access,
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
      // What a renewal does not repeat (the address of the tenant) stays as it was.
      token: isObject(given) && isObject(claim.token) ? { ...claim.token, ...given } : (given ?? null),
      ...(renewAt === undefined ? {} : { renew_at: renewAt }),
    }
  }

  /** The login of a person; null where the grant needs none. */
  get codeLogin(): CodeLogin | null {
    const { spec } = this.context
    if (spec.grant !== 'authorization_code') return null
    return {
      begin: (redirectUri) => authorizeUrl(spec, this.scope, redirectUri),
      finish: async (pending, parameters) => {
        const { code, kept } = codeOf(spec, pending, parameters)
        const answer = await this.send(null, { ...pending, code })
        if (answer.failure) throw this.refusedGrant(asLoginFailure(answer.failure))
        const stored = (await this.context.store.load()) as Tokens | null
        // Tokens of the last login must not lend this one what belongs to another account.
        const claim: Tokens = { version: stored?.version ?? 0, grant: this.grant, token: kept }
        const tokens = this.tokensOf(answer, claim)
        this.refusal = null
        await this.keep({ ...tokens, token: isObject(tokens.token) ? { ...kept, ...tokens.token } : kept })
      },
    }
  }

  /** Ahead of the end, but never before half of the life: a short-lived token must be used at all. */
  private renewAt(scope: { token: unknown }, requestedAt: Date): number | undefined {
    const { spec } = this.context
    const from = requestedAt.getTime()
    const at = sortableTimestamp(spec.expires_at?.evaluate(scope))
    const seconds = Number(textOf(spec.expires_in, scope) ?? spec.lifetime_seconds ?? Number.NaN)
    const end = at === null ? from + seconds * 1000 : millisecondsOf(at)
    if (Number.isNaN(end)) return undefined
    return Math.round(Math.max(end - spec.early_seconds * 1000, from + (end - from) / 2))
  }

  /** Stores tokens, then uses them: a refresh token that exists only here would be lost with this process. */
  private async keep(tokens: Held): Promise<Held> {
    const { store, outbound } = this.context
    for (const secret of [tokens.access_token, tokens.refresh_token ?? '', ...secretsOfToken(tokens.token)])
      if (secret.length >= 6) outbound.addSecret(secret)
    this.unsaved = tokens
    let before: number | null = tokens.version - 1
    let saved = tokens
    while (!(await store.save(saved, before))) {
      // Our claim ran out and somebody else asked too. Ours is the answer that came last, so it is the one that counts.
      before = ((await store.load()) as Tokens | null)?.version ?? null
      saved = { ...tokens, version: (before ?? 0) + 1 }
    }
    this.unsaved = null
    this.asked = saved.access_token
    return this.hold(saved)
  }

  private hold(tokens: Held): Held {
    const { outbound } = this.context
    for (const secret of [tokens.access_token, tokens.refresh_token ?? '', ...secretsOfToken(tokens.token)])
      if (secret.length >= 6) outbound.addSecret(secret)
    this.held = tokens
    this.refused = null
    return tokens
  }

  private async release({ claimed_until: _until, ...claim }: Tokens): Promise<void> {
    // Where this fails too, the claim runs out by itself.
    await this.context.store.save({ ...claim, version: claim.version + 1 }, claim.version).catch(() => false)
  }
}

/** Ends well before the claim does: an answer that comes later could be a second one. */
const askingTime = (): AbortSignal => AbortSignal.timeout(CLAIM_MS * 0.8)

/** Grants that go on with the refresh token of the last answer only. */
const needsRefreshToken = ({ grant }: OAuth2Spec): boolean =>
  grant === 'refresh_token' || grant === 'authorization_code'

const notAllowedYet = (): CausewayError =>
  new CausewayError('CSW-3003', {
    what: 'Nobody has allowed this connection yet.',
    fix: 'Run `causeway auth login <connection>` and allow it in the browser.',
  })
