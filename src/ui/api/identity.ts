import { useSyncExternalStore } from 'react'
import { dropToken, keepToken, keptToken } from './kept-token.ts'
import { Signal } from './signal.ts'

/** How the page shows the hub who it is: a token it was given, or the cookie of a session, which it cannot read. */
export type Identity = { token: string } | { csrf: string }

/** Why the sign-in page is shown though somebody was signed in. */
export const refusal = new Signal<string | null>(null)
const kept = keptToken()
const identity = new Signal<Identity | null>(kept === null ? null : { token: kept })

export const currentIdentity = (): Identity | null => identity.value
export const useIdentity = (): Identity | null => useSyncExternalStore(identity.subscribe, currentIdentity)
export const watchIdentity = identity.subscribe

export function signIn(given: Identity): void {
  if ('token' in given) keepToken(given.token)
  refusal.set(null)
  identity.set(given)
}

/** Forgets who it is. The cookie of a session is the hub's to end: see `signOut` in session.ts. */
export function forget(why: string | null = null): void {
  dropToken()
  refusal.set(why)
  identity.set(null)
}
