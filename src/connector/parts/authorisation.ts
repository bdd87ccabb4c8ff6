/** What puts credentials on the requests of a connection, whatever kind they are. */
import type { CodeLogin } from '../contract.ts'
import type { HttpRequest } from './request.ts'

/**
 * Puts credentials on requests. `stamp` names the credentials that were used, so that one renewal serves all who failed with
 * them. `taken`: another process got them, who knows when, so that they may be as dead as those they replace.
 */
export type Authoriser = {
  apply(request: HttpRequest, signal: AbortSignal): Promise<{ request: HttpRequest; stamp: unknown; taken?: boolean }>
  /** Forgets the credentials behind `stamp`. False where there is nothing to renew. */
  renew(stamp: unknown): boolean
  /** The login of a person, where the credentials need one. */
  readonly codeLogin?: CodeLogin | null
  /** What the system gave at the login, for `base_url` and headers that are made of it. */
  token?(signal: AbortSignal): Promise<unknown>
  /** Resolves once nothing is asked for any more whose answer must not be lost. */
  settled?(): Promise<void>
}

export const withHeaders =
  (headers: Record<string, string | undefined>) =>
  (request: HttpRequest): HttpRequest => ({
    ...request,
    headers: { ...request.headers, ...headers },
  })

export const withQuery =
  (query: Record<string, string | undefined>) =>
  (request: HttpRequest): HttpRequest => ({
    ...request,
    query: { ...request.query, ...query },
  })
