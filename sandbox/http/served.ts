import type { Faults } from './faults.ts'
import type { StandIn } from './stand-in.ts'

export type RequestEntry = { seq: number; at: number; method: string; path: string; status: number; fault?: string }

/** What the side door of a running stand-in works on. */
export type Served = {
  standIn: StandIn
  faults: Faults
  requests: RequestEntry[]
  token: string
  tick(times: number): void
}
