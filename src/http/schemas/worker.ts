import { type Static, Type } from 'typebox'
import { Closed, MaybeTime, Time } from './basics.ts'

export const Worker = Closed({
  host: Type.String(),
  process: Type.String({ description: 'Its number at that host.' }),
  startedAt: Time,
  seenAt: Time,
  leftAt: MaybeTime,
  alive: Type.Boolean({ description: 'It said so within nine seconds; each does every three.' }),
})
export type Worker = Static<typeof Worker>
