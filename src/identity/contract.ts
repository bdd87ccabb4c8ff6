/** What the matcher and the views see of a file in `entities/`: never YAML. */
import type { Schedule, StreamAddress, SyncDefinition } from '../mapping/index.ts'
import type { FieldKindName } from './kinds.ts'

/** One field in which the records of an entity are held against each other and shown. */
export type EntityField = {
  name: string
  kind: FieldKindName
  /** Points for the same value, and points taken off for a different one. Both 0: shown only. */
  same: number
  different: number
  /** Whose value the view shows: that of the newest record, or of the first stream of this order that has one. */
  take: 'newest' | StreamAddress[]
  /** `masked`: shown in full only on demand, which is audited. `hidden`: compared, never shown. */
  access: 'open' | 'masked' | 'hidden'
}

/** The records of one stream that belong to the entity. `view` gives `{ fields, at }`. */
type EntityRecords = { from: StreamAddress; view: SyncDefinition; filtered: boolean }

/** Records that tell what happened to an entity. `event` gives `{ key, at, text }`. */
export type EntityTimeline = {
  from: StreamAddress
  kind: string
  /** The key is the id of a record of this stream, or a value of this field. */
  by: { records: StreamAddress } | { field: string }
  event: SyncDefinition
}

export type EntityType = {
  name: string
  title: string
  file: string
  /** Digest of everything in the file that can change what is matched: another one means that all is matched anew. */
  version: string
  /** Country of telephone and VAT numbers without one. */
  country: string
  fields: EntityField[]
  records: EntityRecords[]
  timeline: EntityTimeline[]
  linkAt: number
  reviewAt: number
  schedule: Schedule[]
}
