import type { Identity } from '../../access/index.ts'
import type { Actor } from '../actor.ts'

/** Who makes a request, as the audit names them, and why. Public routes have no caller, and change nothing in anybody's name. */
export const actorOf = (caller: Identity | null, body?: { reason?: string }): Actor => ({
  name: caller?.actor ?? 'nobody',
  reason: body?.reason ?? null,
})
