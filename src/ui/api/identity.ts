import { useSyncExternalStore } from 'react'
import { Signal } from './signal.ts'

const KEY = 'causeway.admin-token'

/** How the page shows the hub who it is: a token it was given, or the cookie of a session, which it cannot read. */
export type Identity = { token: string } | { csrf: string }

/** Why the sign-in page is shown though somebody was signed in. */
export const refusal = new Signal<string | null>(null)
const kept = sessionStorage.getItem(KEY)
// Session storage: gone with the tab, unreadable for other sites, never part of an address or a cookie.
const identity = new Signal<Identity | null>(kept === null ? null : { token: kept })

export const currentIdentity = (): Identity | null => identity.value
export const useIdentity = (): Identity | null => useSyncExternalStore(identity.subscribe, currentIdentity)
export const watchIdentity = identity.subscribe

export function signIn(given: Identity): void {
  if ('token' in given) sessionStorage.setItem(KEY, given.token)
  refusal.set(null)
  identity.set(given)
}

/** Forgets who it is. The cookie of a session is the hub's to end: see `signOut` in session.ts. */
export function forget(why: string | null = null): void {
  sessionStorage.removeItem(KEY)
  refusal.set(why)
  identity.set(null)
}
