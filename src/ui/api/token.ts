import { useSyncExternalStore } from 'react'
import { Signal } from './signal.ts'

const KEY = 'causeway.admin-token'

/** Why the sign-in page is shown though a token was there. */
export const refusal = new Signal<string | null>(null)
// Session storage: gone with the tab, unreadable for other sites, never part of an address or a cookie.
const token = new Signal<string | null>(sessionStorage.getItem(KEY))

export const currentToken = (): string | null => token.value
export const useToken = (): string | null => useSyncExternalStore(token.subscribe, currentToken)

export const watchToken = token.subscribe

export function signIn(given: string): void {
  sessionStorage.setItem(KEY, given)
  refusal.set(null)
  token.set(given)
}

export function signOut(why: string | null = null): void {
  sessionStorage.removeItem(KEY)
  refusal.set(why)
  token.set(null)
}
