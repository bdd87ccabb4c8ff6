import type { BegunLogin } from '../api/types.ts'

const KEY = 'causeway.login'

/** A login by a person that is under way. */
export type KeptLogin = { connection: string; pending: BegunLogin['pending'] }

/** Kept in this tab alone while the person is elsewhere: its verifier is a secret, and the answer belongs to this browser. */
export const keepLogin = (login: KeptLogin): void => sessionStorage.setItem(KEY, JSON.stringify(login))

/** Gives it once. */
export function takeLogin(): KeptLogin | null {
  const text = sessionStorage.getItem(KEY)
  sessionStorage.removeItem(KEY)
  return text === null ? null : (JSON.parse(text) as KeptLogin)
}
