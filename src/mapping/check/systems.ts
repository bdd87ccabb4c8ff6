import type { JsonObject } from '../../core/index.ts'
import type { SyncDefinition } from '../contract.ts'

export type CheckedSystems = {
  from: CheckedStream
  to: CheckedStream
  /** The joined streams by join name, as far as they are known. */
  joins?: Readonly<Record<string, CheckedStream | undefined>>
  /** All syncs of the hub, this one among them: they tell which streams are read, and which records are linked. */
  syncs?: readonly SyncDefinition[]
}

/** What of a stream's description the checker looks at; the connector room's `StreamInfo` fits. */
export type CheckedStream = {
  readSchema?: JsonObject
  writeSchema?: JsonObject
  abilities: {
    read: boolean
    create: boolean
    update: boolean
    upsert: boolean
    upsertBy?: readonly string[]
    delete: boolean
    content: boolean
    lookup: string[]
  }
}
