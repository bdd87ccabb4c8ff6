import { Type } from 'typebox'
import { Closed, MaybeInteger, MaybeNumber, MaybeText, MaybeTime, Stored, Time } from './basics.ts'

const Texts = Type.Record(Type.String(), Type.Array(Type.String()))
const SameRecord = { stream: Type.String({ description: '`connection:stream`' }), id: Type.String() }

const MergedField = Closed({
  values: Type.Array(Type.String()),
  masked: Type.Boolean({ description: 'Shown in full with `reveal=true`, which is audited.' }),
  ...SameRecord,
})

const picture = {
  entity: Type.String(),
  id: Type.Integer(),
  fields: Type.Record(Type.String(), MergedField),
  records: Type.Array(Closed({ ...SameRecord, alias: Type.Boolean(), changedAt: MaybeTime, fields: Texts })),
}
export const EntityPicture = Closed(picture)

export const Entity = Closed({
  ...picture,
  timeline: Type.Array(Closed({ at: MaybeTime, kind: Type.String(), text: Type.String(), ...SameRecord })),
  deliveries: Type.Array(
    Closed({
      sync: Type.String(),
      ...SameRecord,
      state: Type.String(),
      error: Stored('Why.'),
      nextAttemptAt: MaybeTime,
    }),
  ),
  history: Type.Array(
    Closed({
      at: Time,
      action: Type.String(),
      entityId: Type.Integer(),
      otherId: MaybeInteger,
      actor: Type.String(),
      detail: Stored('What it was about: ids and points, no values.'),
    }),
  ),
})

const Reviewed = Closed({ ...SameRecord, fields: Texts })
export const EntityReview = Closed({
  id: Type.Integer(),
  entity: Type.String(),
  kind: Type.Enum(['match', 'duplicate']),
  state: Type.Enum(['open', 'confirmed', 'rejected', 'superseded']),
  points: MaybeNumber,
  reasons: Stored('Per field: agreement from -1 to 1, and the points it counts.'),
  left: Reviewed,
  right: Reviewed,
  actor: MaybeText,
  createdAt: Time,
  decidedAt: MaybeTime,
})
