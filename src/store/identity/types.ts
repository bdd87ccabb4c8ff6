import type { LeaseProof } from '../ledger/types.ts'

export type { LeaseProof }

/** Where the matcher stands with one stream of an entity type. */
export type IdentityPlace = {
  part: string
  streamId: number
  /** Per slice. */
  positions: Map<number, number>
  through: number
  /** The stream's number now. */
  seq: number
}

export type IdentityWrite = { recordId: string; shown: string; keys: string[]; changedAt: Date | null }

export type EventWrite = { recordId: string; key: string; at: Date | null; text: string }

/** A record of an entity type. */
export type IdentityRow = {
  streamId: number
  recordId: string
  /** JSON: texts by field. */
  shown: string
  keys: string[]
  changedAt: Date | null
}

export type MemberRow = { streamId: number; recordId: string; entityId: number; alias: boolean }

/** Two records by their stream and id, the lower one left. */
export type RecordPair = { leftStream: number; leftId: string; rightStream: number; rightId: string }

export type ReviewWrite = RecordPair & { kind: 'match' | 'duplicate'; points: number; reasons: string }

export type MergeWrite = { into: number; from: number; pair: RecordPair; points: number; reasons: string }
