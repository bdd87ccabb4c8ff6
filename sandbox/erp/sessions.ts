import { randomBytes } from 'node:crypto'
import { type Call, Refusal } from '../http/index.ts'

export type SessionRules = { minutes: number; requests: number }

/** Logins: a session ends after some minutes or requests, whichever comes first, and then every call is a 401. */
export class Sessions {
  readonly #open = new Map<string, { until: number; left: number }>()
  readonly #credentials: Record<'company' | 'user' | 'password', string>
  readonly #rules: SessionRules

  constructor(credentials: Record<'company' | 'user' | 'password', string>, rules: SessionRules) {
    this.#credentials = credentials
    this.#rules = rules
  }

  login(call: Call): { token: string; expiresIn: number } {
    const given = call.json()
    for (const [name, value] of Object.entries(this.#credentials))
      if (given[name] !== value) throw new Refusal(401, 'LOGIN_FAILED', 'Company, user or password is wrong')
    const token = randomBytes(18).toString('base64url')
    this.#dropEnded()
    this.#open.set(token, { until: performance.now() + this.#rules.minutes * 60_000, left: this.#rules.requests })
    return { token, expiresIn: this.#rules.minutes * 60 }
  }

  authorise(call: Call): void {
    const session = this.#open.get(call.header('x-session-token'))
    if (session === undefined || session.left <= 0 || session.until < performance.now())
      throw new Refusal(401, 'SESSION_EXPIRED', 'Log in first')
    session.left -= 1
  }

  expire(): void {
    this.#open.clear()
  }

  #dropEnded(): void {
    const now = performance.now()
    for (const [token, { until, left }] of this.#open) if (until < now || left <= 0) this.#open.delete(token)
  }
}
