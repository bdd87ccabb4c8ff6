/** What both sides of a two-way sync say of a record, while it is worked on and between runs. */
import type { Json, JsonObject } from '../core/index.ts'
import type { ConflictKey, ConflictWrite } from './ports.ts'

/** What stands beside the agreed values of a delivery. */
export type Mark = {
  /** When this direction wrote the target last. */
  wrote?: string
  /** Fields that the other direction wrote here and that did not come back yet, with what stood there before. */
  echo?: JsonObject
  /**
   * When that write was answered, for each of them (empty: a value that was made of both, and must be read here), and the version it made;
   * empty where nobody saw one.
   */
  echoAt?: Record<string, string>
  echoVersion?: Record<string, string>
  /** Of these: nobody saw how they were stored (`blind`), or another value was seen (`other`). False: they were seen as written. */
  unseen?: Record<string, 'blind' | 'other' | false>
  /** How the target shows an agreed value that it stored otherwise: a list of that one value, or an empty one. */
  stored?: Record<string, Json[]>
  /** The versions that our last write there, and the other direction's last write here, made of the ones before: no person's edit. */
  ownThere?: OwnVersion
  ownHere?: OwnVersion
  /** The source record was created by the other direction. */
  made?: boolean
  /** When the other direction deleted the source record: what was read of it before is older than that. */
  deletedAt?: string
  /** Paths that wait in the queue of conflicts. */
  asked?: string[]
  /** How often in a row a field came back as something else than what was written. */
  restless?: Record<string, number>
}
/** A version that a write of ours made; `was`: the last one that was not ours. */
export type OwnVersion = { version: string; was: string | null }

/** The version that tells when somebody else changed a record last. */
export const versionOfOthers = (version: string | null | undefined, own: OwnVersion | undefined): string | null =>
  own !== undefined && own.version === version ? own.was : (version ?? null)

/** What the merge of a record found, for diff and for the commit. */
export type Merged = {
  mark: Mark
  /** What was agreed before, without the mark. */
  before: JsonObject
  /** What a create of unknown outcome sent, whose record was found now: agreed, and the other direction does not know it yet. */
  sent: JsonObject | null
  /** The mapped values, all of them. */
  mine: JsonObject
  /** What is agreed once the write is done; null while nothing was merged. */
  base: JsonObject | null
  kept: JsonObject
  touched: string[]
  made: string[]
  asked: ConflictWrite[]
  /** Paths that waited in the queue when the record was taken up. */
  askedBefore: string[]
  /** Conflicts that this direction asked about, and need no answer any more. */
  settled: ConflictKey[]
  /** Fields that are agreed in part: a value inside them is asked, or for the other direction to write. */
  partly: string[]
  /** True once nothing of ours was found to have moved, or both sides were merged. */
  looked: boolean
  /** Fields of which our side was read too early to say anything. */
  late: string[]
  /** What was read too early is neither what stood there before nor what was written: perhaps an edit that came after the write. */
  unsure: boolean
  /** A write holds for the target record as it was looked at, where the target can tell. */
  condition: string | undefined
  /** The mark of the other direction's delivery before the target was looked at. */
  otherMark: string | undefined
  /** Decided, and for the other direction to carry out. */
  held: ConflictKey[]
  /** Fields that are the same on both sides now: whoever asked about them, or about what is inside. */
  agreed: ConflictKey[]
  /** The target record is to be let go, and made anew by the other direction. */
  releases: boolean
  /** The version of the target record that was merged with. */
  thereVersion: string | null
  /** The record of the other direction is to be looked at again. */
  wakesPartner: boolean
  /** Why both directions are to be paused. */
  pauses?: string
  /** Values that came back rewritten. */
  rewritten: number
}

/** How the target shows agreed values that it stored otherwise. */
export const storedOf = ({ stored = {} }: Mark): JsonObject =>
  Object.fromEntries(
    Object.entries(stored).flatMap(([field, [value]]) => (value === undefined ? [] : [[field, value]])),
  )
