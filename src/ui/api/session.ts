import { currentIdentity, forget, signIn } from './identity.ts'
import { request } from './request.ts'
import type { Me } from './types.ts'

/** Takes up the session that this browser may have, from another tab or from a provider. */
export async function findSession(): Promise<void> {
  if (currentIdentity() !== null) return
  const me = await request<Me>('/me', { patienceMs: 5_000 }).catch(() => null)
  if (me?.csrf && currentIdentity() === null) signIn({ csrf: me.csrf })
}

export async function signInWithPassword(name: string, password: string): Promise<void> {
  const { csrf } = await request<Me>('/login', { method: 'POST', body: { name, password } })
  if (csrf !== null) signIn({ csrf })
}

/** Ends the session at the hub too; where that cannot be reached, the page is left all the same and the session runs out. */
export async function signOut(): Promise<void> {
  const identity = currentIdentity()
  if (identity !== null && 'csrf' in identity) await request('/logout', { method: 'POST' }).catch(() => null)
  forget()
}
