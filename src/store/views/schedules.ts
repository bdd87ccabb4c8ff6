import { type Database, rows } from './database.ts'

export type FiredSlot = { schedule: string; slot: Date; firedAt: Date; firedBy: string }

/** The last slot that fired of each schedule. */
export const lastSlots = (db: Database): Promise<FiredSlot[]> =>
  rows<FiredSlot>(
    db,
    `select distinct on (schedule) schedule, slot, fired_at as "firedAt", fired_by as "firedBy"
       from schedule_slot order by schedule, slot desc`,
  )
