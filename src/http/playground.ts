/** What the routes of the playground exchange with the hub. */
import type { Finding, Json, Place, SerializedError } from '../core/index.ts'

/**
 * A record of the sync's source by its id, or one that somebody brings, as text. Joined records come from the ledger, unless `joins`
 * says them: JSON text of an object, by the names of the joins.
 */
export type TrialInput = ({ record: string } | { text: string; id: string }) & { joins?: string }

export type TrialRequest = { mapping?: string; input?: TrialInput; tests: boolean }

/** Which line wrote a value of the output, and what of the record it read. */
type TrialOrigin = {
  field: string
  expression: string
  place: Place
  reads: { path: string; value: Json | null }[]
}

export type Trial = {
  file: string
  findings: Finding[]
  /** `mapped`, `filtered` or `failed`; null where there is no input or the text is no mapping. */
  outcome: 'mapped' | 'filtered' | 'failed' | null
  /** JSON text of each part. */
  parts: { part: string; values: string }[]
  /** The record that was mapped, as it came. */
  input: string | null
  /** JSON text of the records that were joined, by the name of the join; null where the mapping joins none. */
  joins: string | null
  error: SerializedError | null
  origins: TrialOrigin[]
  tests: { name: string; ok: boolean; place: Place; message: string | null }[]
}

/** Line and column count from 0. */
export type CompletionRequest = { mapping: string; line: number; column: number }
export type CompletionItem = { label: string; kind: string; detail: string; documentation?: string }
