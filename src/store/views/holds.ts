import { type Database, firstRow, rows } from './database.ts'

export type HoldView = {
  /** The run that held, and whose number approves or rejects it. */
  runId: number
  kind: 'scan' | 'push'
  /** Why it was not done without a person. */
  reason: string
  /** How many records it holds, of how many that live. */
  records: number
  live: number
  state: 'open' | 'approved' | 'done' | 'rejected' | 'superseded'
  actor: string | null
  note: string | null
  createdAt: Date
  decidedAt: Date | null
  /** Some of the record ids. */
  sample: string[]
}

const SAMPLE = 20

/** What a run held for a person; a run that added to an earlier hold shows that one. */
export async function showHold(db: Database, runId: string): Promise<HoldView | undefined> {
  const hold = await firstRow<Omit<HoldView, 'sample'> & { id: number }>(
    db,
    `select h.id, h.run_id as "runId", h.kind, h.reason, h.records, h.live, h.state, h.actor, h.note,
            h.created_at as "createdAt", h.decided_at as "decidedAt"
       from run r join hold h on h.stream_id = r.stream_id and h.sync_id is not distinct from r.sync_id
      where r.id = $1 and r.outcome = 'held' and (h.run_id = r.id or h.state = 'open')
      order by h.run_id = r.id desc, h.id desc limit 1`,
    [runId],
  )
  if (!hold) return undefined
  const { id, ...view } = hold
  const sample = await rows<{ id: string }>(
    db,
    'select record_id as id from held_record where hold_id = $1 order by record_id limit $2',
    [id, SAMPLE],
  )
  return { ...view, sample: sample.map((row) => row.id) }
}
