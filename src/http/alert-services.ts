import type { Actor } from './actor.ts'

/** A route of the hub file, without its secrets and addresses. */
type AlertRouteDescription = {
  name: string
  kind: 'webhook' | 'slack' | 'teams' | 'email'
  tell: string[]
  severity: 'error' | 'warning'
  syncs: string[]
  connections: string[]
}

/** A route, or one thing that is wrong by its key. */
export type AlertScopeRequest = { route: string } | { subject: string }

export interface AlertServices {
  routes(): AlertRouteDescription[]
  /** Sends a message now. Rejects with what stands in the way. */
  test(route: string, actor: Actor): Promise<void>
  /** Tells nothing of it until then; what is still wrong at that time is told then. */
  snooze(scope: AlertScopeRequest, until: Date, actor: Actor): Promise<void>
  wake(scope: AlertScopeRequest, actor: Actor): Promise<void>
}
