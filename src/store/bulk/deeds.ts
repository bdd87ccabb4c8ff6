/** What each kind of bulk action does to a part of its ids; what is not open any more is passed over. */
import type pg from 'pg'
import { decideConflictsIn } from '../ledger/conflicts.ts'
import { replayEvents } from '../ledger/corrections.ts'
import { discardDeadLetters, requeueDeadLetters } from '../ledger/work.ts'
import type { BulkKind } from '../views/index.ts'

export type Done = { acted: number /** Have work now. */; syncs: number[]; connections: number[] }
/** What was asked besides the ids; `said` is what `BulkRequest` was given. */
type Asked = { actor: string; reason: string | null; said: BulkSaid }
type BulkSaid = { decision?: 'from' | 'to' | 'value'; value?: string | null; toSync?: number }

export const BULK_DEEDS: Record<BulkKind, (client: pg.PoolClient, ids: number[], asked: Asked) => Promise<Done>> = {
  async 'dead_letters.requeue'(client, ids, { actor }) {
    const { requeued, syncs, connections } = await requeueDeadLetters(client, ids, actor)
    return { acted: requeued, syncs, connections }
  },
  async 'dead_letters.discard'(client, ids, { actor, reason }) {
    return { acted: await discardDeadLetters(client, ids, actor, reason ?? ''), syncs: [], connections: [] }
  },
  async 'conflicts.resolve'(client, ids, { actor, reason, said }) {
    const decision = { decision: said.decision ?? 'from', value: said.value ?? null, actor, note: reason }
    const { decided, syncs } = await decideConflictsIn(client, ids, decision)
    return { acted: decided, syncs, connections: [] }
  },
  async 'events.replay'(client, ids, { said }) {
    const { replayed, connections } = await replayEvents(client, { ids }, said.toSync ?? 0, ids.length)
    return { acted: replayed, syncs: [], connections }
  },
}
