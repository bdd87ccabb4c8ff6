import type { Actor } from '../services.ts'

/** There is one token so far, so there is one name. */
export const actorOf = (body: { reason?: string } | undefined): Actor => ({
  name: 'admin',
  reason: body?.reason ?? null,
})
