import { currentIdentity, forget, type Identity } from './identity.ts'
import { parseAnswer } from './json-text.ts'
import { noteAnswer, noteSilence } from './reach.ts'
import type { ApiProblem } from './types.ts'
import { VERBATIM_FIELDS } from './verbatim-fields.ts'

export const API = '/api/v1'
const PATIENCE_MS = 20_000

/** The hub's refusal, with everything it said. */
export class Refused extends Error {
  readonly problem: ApiProblem
  constructor(problem: ApiProblem) {
    super(problem.detail)
    this.name = 'Refused'
    this.problem = problem
  }
}

/** Nobody answered, or somebody who is not the hub (a proxy in front of it). */
class Silent extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Silent'
  }
}

type Options = {
  method?: 'GET' | 'POST'
  body?: unknown
  signal?: AbortSignal
  patienceMs?: number
  /** The same request sent again is known by it. */
  key?: string
  as?: Identity
  /** An answer that the hub gave others is good enough if it was begun after this was heard; see `src/http/live`. */
  asOf?: string | null
}

/** Asks the hub. `T` is what the API promises for this path (types.ts). */
export async function request<T>(path: string, options: Options = {}): Promise<T> {
  const identity = options.as ?? currentIdentity()
  const { response, text } = await exchange(path, options, identity)
  if (response.ok) {
    noteAnswer()
    return parseAnswer(text, VERBATIM_FIELDS) as T
  }
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) {
    noteSilence()
    throw new Silent(`Something in front of the hub answered ${response.status}.`)
  }
  noteAnswer()
  const problem = JSON.parse(text) as ApiProblem
  // Only the identity that was refused is given up: another one may have been entered meanwhile.
  if (response.status === 401 && identity !== null && identity === currentIdentity()) forget(problem.detail)
  throw new Refused(problem)
}

async function exchange(
  path: string,
  { method = 'GET', body, signal, patienceMs = PATIENCE_MS, key, asOf }: Options,
  identity: Identity | null,
): Promise<{ response: Response; text: string }> {
  const patience = AbortSignal.timeout(patienceMs)
  try {
    const response = await fetch(API + path, {
      method,
      headers: {
        ...headersOf(identity),
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
        ...(asOf ? { 'x-causeway-as-of': asOf } : {}),
      },
      ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
      cache: 'no-store',
      credentials: credentialsOf(identity),
      redirect: 'error',
    })
    return { response, text: await response.text() }
  } catch (error) {
    // Left the page or asked anew: that says nothing about the hub.
    if (signal?.aborted) throw error
    noteSilence()
    throw new Silent('The hub does not answer.', { cause: error })
  }
}

/** With a token no cookie goes along: the hub is to see one identity. */
export const credentialsOf = (identity: Identity | null): RequestCredentials =>
  identity !== null && 'token' in identity ? 'omit' : 'same-origin'

export function headersOf(identity: Identity | null): Record<string, string> {
  if (identity === null) return {}
  return 'token' in identity ? { authorization: `Bearer ${identity.token}` } : { 'x-causeway-csrf': identity.csrf }
}

/** Builds a query; empty values are left out. */
export function withQuery(path: string, values: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value))
  }
  const text = query.toString()
  return text ? `${path}?${text}` : path
}
