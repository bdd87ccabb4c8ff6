import type { Store } from '../state/index.ts'
import type { Row } from '../state/table.ts'
import type { Random } from '../world/index.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Refusal } from './refusal.ts'
import type { Router } from './router.ts'

/** One system of the sandbox, without its socket. */
export type StandIn = {
  name: string
  store: Store
  router: Router
  limit: RateLimit
  /** Refuses calls without valid credentials. */
  authorise(call: Call): void
  /** Words a refusal in the style of the system. */
  refuse(refusal: Refusal): Answer
  /** Headers every answer of the system carries. */
  headers?(remaining: number): Record<string, string>
  /** A row with its "last changed" field set to now. */
  stamp(table: string, row: Row): Row
  /** Makes a few changes, as its users would. */
  tick(random: Random): void
  /** Ends sessions or tokens that were given out. */
  expire?(): void
  /** Runs after each commit: where outgoing events start. */
  committed?(): void
  close?(): Promise<void>
}
