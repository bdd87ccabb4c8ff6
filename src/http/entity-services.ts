import type { EntityChange, EntityEvent, OpenDelivery, ReviewRow } from '../store/views/index.ts'
import type { Actor } from './actor.ts'

/** A record of an entity, with what the entity file makes of it: texts by field. */
export type ShownRecord = {
  stream: string
  id: string
  alias: boolean
  changedAt: Date | null
  fields: Record<string, string[]>
}

/** One picture of an entity; each field says whose value it is. */
export type EntityPicture = {
  entity: string
  id: number
  fields: Record<string, { values: string[]; masked: boolean; stream: string; id: string }>
  records: ShownRecord[]
}

type WholeEntity = EntityPicture & {
  timeline: EntityEvent[]
  deliveries: OpenDelivery[]
  history: EntityChange[]
}

type EntityReview = Omit<ReviewRow, 'left' | 'right'> & {
  left: Pick<ShownRecord, 'stream' | 'id' | 'fields'>
  right: Pick<ShownRecord, 'stream' | 'id' | 'fields'>
}

/** Which records are the same thing, and what persons say about it. CSW-1007: there is no such entity type. */
export type EntityServices = {
  types(): readonly { entity: string; title: string; streams: string[] }[]
  search(entity: string, text: string, limit: number): Promise<EntityPicture[]>
  /** Null when nothing belongs to it. `reveal` shows masked values, and is audited. */
  show(entity: string, id: number, options: { reveal: boolean; actor: Actor }): Promise<WholeEntity | null>
  reviews(choice: { entity?: string; state?: string; after?: number; limit: number }): Promise<EntityReview[]>
  /** Throws CSW-8008 when the question is not open. */
  decide(reviewId: number, confirmed: boolean, actor: Actor): Promise<{ entity: string; id: number }>
  /** Throws CSW-8008 when one of the two has no records. */
  merge(entity: string, into: number, from: number, actor: Actor): Promise<{ records: number }>
  /** Throws CSW-8008 when none of the records is in the entity, or all are. */
  split(
    entity: string,
    id: number,
    records: readonly { stream: string; id: string }[],
    actor: Actor,
  ): Promise<{ id: number }>
  /** Pairs of an existing cross-reference; what is wrong with a pair is said by its place in the list. */
  import(
    entity: string,
    pairs: readonly { left: { stream: string; id: string }; right: { stream: string; id: string } }[],
    actor: Actor,
  ): Promise<{ linked: number; known: number; refused: { at: number; why: string }[] }>
}
