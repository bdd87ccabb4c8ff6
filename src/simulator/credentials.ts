/** Who may call: what the description says a request must carry, and the tokens given at run time. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Description, Route } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import { Refusal } from './problem.ts'
import type { Call } from './request.ts'
import { fill } from './template.ts'

type Token = { token: string; until: number }

export class Credentials {
  /** How many tokens were given. */
  given = 0
  private readonly tokens: Token[] = []
  private refresh: string | null = null
  private readonly description: Description
  private readonly expressions: Expressions

  constructor(description: Description, expressions: Expressions) {
    this.description = description
    this.expressions = expressions
  }

  /** Ends all tokens now: the next request learns of it by the vendor's refusal. */
  expire(): void {
    this.tokens.length = 0
  }

  /** Secrets made at run time. */
  get made(): string[] {
    return [...this.tokens.map(({ token }) => token), ...(this.refresh ? [this.refresh] : [])]
  }

  /** Throws a refusal for a request that does not carry what it must. */
  async check(call: Call, names: Names, now: number): Promise<void> {
    const { auth } = this.description
    const live = this.tokens.filter(({ until }) => until > now)
    const scopes: Names[] = live.length
      ? live.map(({ token }) => ({ ...names, token }))
      : [{ ...names, token: undefined }]
    for (const scope of scopes) if (await this.carries(call, scope)) return
    throw new Refusal('unauthorized', { reason: auth.basic || auth.headers ? 'credentials' : 'unauthorized' })
  }

  private async carries(call: Call, scope: Names): Promise<boolean> {
    const { headers, query, body, basic, when } = this.description.auth
    const wanted = async (template: unknown) => String((await fill(template, scope, this.expressions)) ?? '')
    for (const [name, template] of Object.entries(headers ?? {}))
      if (!equal(await wanted(template), call.headers[name.toLowerCase()])) return false
    for (const [name, template] of Object.entries(query ?? {}))
      if (!equal(await wanted(template), call.query[name])) return false
    for (const [name, template] of Object.entries(body ?? {}))
      if (!equal(await wanted(template), (call.body as Names | undefined)?.[name])) return false
    if (basic) {
      const [, pair = ''] = /^Basic (.+)$/.exec(call.headers.authorization ?? '') ?? []
      const [user, ...password] = Buffer.from(pair, 'base64').toString().split(':')
      if (!pair) return false
      if (basic.user !== undefined && !equal(await wanted(basic.user), user)) return false
      if (basic.password !== undefined && !equal(await wanted(basic.password), password.join(':'))) return false
    }
    return when === undefined || (await this.expressions.evaluate(when, scope)) === true
  }

  /** Gives a token where `accept` is true of the request; `refresh` is the refresh token that counts now. */
  async give(route: Route, names: Names, now: number): Promise<Names> {
    const known = names.secrets as Names
    this.refresh ??= String(known.refresh_token ?? '')
    const secrets = { ...known, refresh_token: this.refresh }
    const accepted =
      route.accept === undefined || (await this.expressions.evaluate(route.accept, { ...names, secrets })) === true
    if (!accepted) throw new Refusal('unauthorized', { reason: 'grant' })
    this.given++
    const lasts = route.lasts_seconds ?? 3600
    const token = `canary-token-${randomBytes(9).toString('hex')}`
    this.tokens.push({ token, until: now + lasts * 1000 })
    if (route.rotates) this.refresh = `canary-refresh-${randomBytes(9).toString('hex')}`
    return { token, refresh: this.refresh, lasts }
  }
}

function equal(wanted: string, found: unknown): boolean {
  if (wanted === '' || typeof found !== 'string') return false
  const [a, b] = [Buffer.from(wanted), Buffer.from(found)]
  return a.length === b.length && timingSafeEqual(a, b)
}
