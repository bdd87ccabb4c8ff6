/** What a check is, and what becomes of it. */
import type { StreamInfo } from '../connector/index.ts'
import type { StreamUse, Subject } from './subject.ts'

type Outcome = 'passed' | 'failed' | 'waived' | 'skipped'
export type CheckResult = { stream: string | null; check: string; outcome: Outcome; detail: string; ms: number }

/** A connector does not do what its contract says. */
export class NotAsAgreed extends Error {}

/** There is nothing to check: the connector does not offer it, or the system does not have it. */
export class NothingToCheck extends Error {}

export type StreamTest = { subject: Subject; stream: string; info: StreamInfo; use: StreamUse }

/** A check gives a few words on what it saw, or throws. */
export type StreamCheck = (test: StreamTest) => Promise<string>
export type ConnectorCheck = (subject: Subject) => Promise<string>

export function agreed(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new NotAsAgreed(otherwise)
}

export const nothing = (why: string): never => {
  throw new NothingToCheck(why)
}

/** A few of many, for a message. */
export const few = (items: readonly unknown[], most = 3): string =>
  items.slice(0, most).map(String).join(', ') + (items.length > most ? ` and ${items.length - most} more` : '')

/** Every id once, and no other. */
export function agreedIds(found: readonly string[], wanted: readonly string[], what: string): void {
  const [seen, due] = [new Set(found), new Set(wanted)]
  const lost = wanted.filter((id) => !seen.has(id))
  const strange = found.filter((id) => !due.has(id))
  const once = new Set<string>()
  const twice = found.filter((id) => once.size === once.add(id).size)
  agreed(lost.length === 0, `${what}: ${lost.length} of ${wanted.length} records are not read (${few(lost)})`)
  agreed(strange.length === 0, `${what}: ${strange.length} records are read that should not be (${few(strange)})`)
  agreed(twice.length === 0, `${what}: ${twice.length} records are read twice (${few(twice)})`)
}
