/** How a bulk action is done, part by part. */
import type pg from 'pg'
import { asCausewayError } from '../../core/index.ts'
import { appendAudit } from '../audit.ts'
import { isConnectionLoss } from '../failure.ts'
import { assertLease } from '../ledger/lease-check.ts'
import type { LeaseProof } from '../ledger/types.ts'
import { withTransaction } from '../transaction.ts'
import type { BulkKind } from '../views/index.ts'
import { BULK_DEEDS, type Done } from './deeds.ts'

type Action = { id: number; kind: BulkKind; said: string | null; actor: string; reason: string | null; state: string }
type Part = { id: number; ids: number[] }

/** Who has work after a part; null when the action is over. */
export type PartDone = Pick<Done, 'syncs' | 'connections'> | null

export async function findRunningBulkActions(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(`select id from bulk_action where state = 'running' order by id`)
  return rows.map(({ id }) => id)
}

/**
 * Does the next part of an action and counts it, in one transaction: whoever is killed in it has done nothing, and whoever comes after
 * finds it. Throws CSW-6004 when the lease is lost.
 */
export async function workBulkPart(pool: pg.Pool, lease: LeaseProof, actionId: number): Promise<PartDone> {
  let part: Part | undefined
  try {
    return await withTransaction(pool, async (client) => {
      await assertLease(client, lease)
      const action = await lockAction(client, actionId)
      if (!action) return null
      part = await nextPart(client, actionId)
      if (!part) return await end(client, action)
      const { acted, syncs, connections } = await BULK_DEEDS[action.kind](client, part.ids, {
        actor: action.actor,
        reason: action.reason,
        said: action.said === null ? {} : JSON.parse(action.said),
      })
      await client.query('delete from bulk_part where id = $1', [part.id])
      await count(client, actionId, { done: acted, passedOver: part.ids.length - acted })
      return { syncs, connections }
    })
  } catch (error) {
    // Connection and lease say nothing about the part.
    if (!part || isConnectionLoss(error) || asCausewayError(error).code === 'CSW-6004') throw error
    await setApart(pool, lease, actionId, part, error)
    return { syncs: [], connections: [] }
  }
}

async function lockAction(client: pg.PoolClient, id: number): Promise<Action | undefined> {
  const { rows } = await client.query<Action>(
    `select id, kind, said, actor, reason, state from bulk_action where id = $1 and state = 'running' for update`,
    [id],
  )
  return rows[0]
}

async function nextPart(client: pg.PoolClient, actionId: number): Promise<Part | undefined> {
  const { rows } = await client.query<Part>('select id, ids from bulk_part where action_id = $1 order by id limit 1', [
    actionId,
  ])
  return rows[0]
}

async function count(
  client: pg.PoolClient,
  id: number,
  { done = 0, passedOver = 0, failed = 0, error = null as string | null },
): Promise<void> {
  await client.query(
    `update bulk_action set done = done + $2, passed_over = passed_over + $3, failed = failed + $4, error = coalesce($5, error),
            changed_at = now() where id = $1`,
    [id, done, passedOver, failed, error],
  )
}

async function end(client: pg.PoolClient, { id, kind, actor }: Action): Promise<null> {
  const { rows } = await client.query<{ done: number; passed_over: number; failed: number }>(
    `update bulk_action set state = 'done', said = null, changed_at = now(), ended_at = now() where id = $1 returning done, passed_over, failed`,
    [id],
  )
  const { done, passed_over: passedOver, failed } = rows[0]!
  await appendAudit(client, {
    actor,
    action: `${kind}.ended`,
    subject: `bulk_action:${id}`,
    detail: { done, passedOver, failed },
  })
  return null
}

/** One that cannot be done must not hold up the others: its part is halved until it stands alone, then it counts as failed. */
async function setApart(
  pool: pg.Pool,
  lease: LeaseProof,
  actionId: number,
  { id, ids }: Part,
  thrown: unknown,
): Promise<void> {
  const { code, message: what } = asCausewayError(thrown)
  await withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    // Aborted meanwhile: the part is gone.
    if (!(await lockAction(client, actionId))) return
    await client.query('delete from bulk_part where id = $1', [id])
    if (ids.length === 1) return count(client, actionId, { failed: 1, error: JSON.stringify({ code, what }) })
    const middle = Math.ceil(ids.length / 2)
    await client.query('insert into bulk_part (action_id, ids) values ($1, $2), ($1, $3)', [
      actionId,
      ids.slice(0, middle),
      ids.slice(middle),
    ])
  })
}
