import { Type } from 'typebox'
import { BULK_KINDS, BULK_STATES } from '../../store/views/index.ts'
import { Closed, MaybeText, MaybeTime, Stored, Text, Time } from './basics.ts'

export const BulkAction = Closed({
  id: Type.Integer(),
  kind: Type.Enum([...BULK_KINDS]),
  filter: Stored('What was selected by.'),
  state: Type.Enum([...BULK_STATES]),
  actor: Type.String(),
  reason: MaybeText,
  total: Type.Integer({ description: 'What the preview counted.' }),
  done: Type.Integer(),
  passedOver: Type.Integer({ description: 'Closed by somebody else before the action came to them.' }),
  failed: Type.Integer(),
  left: Type.Integer({ description: 'Not done yet; of an action that was stopped: never done by it.' }),
  error: Stored('The last failure.'),
  abortedBy: MaybeText,
  createdAt: Time,
  changedAt: Time,
  endedAt: MaybeTime,
})

/** Of the preview. */
export const token = Type.String({ description: 'Confirms exactly this selection; of no use once it has changed.' })
export const confirmedToken = Text('`token` of the preview.', 'eyJuIjozfQ')
