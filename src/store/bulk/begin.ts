/** How a bulk action comes to be, and how it is stopped. */
import type pg from 'pg'
import { CausewayError } from '../../core/index.ts'
import { appendAudit } from '../audit.ts'
import { isUniqueViolation } from '../failure.ts'
import { withTransaction } from '../transaction.ts'
import { type BulkKind, COUNTS, countedOf, type Selection, type SelectionCount } from '../views/index.ts'

type BulkRequest = {
  kind: BulkKind
  filter: object
  /** What else was said: a decision, a sync. */
  said: object | null
  selection: Selection
  /** Of the preview: stands for what was counted. */
  token: string
  /** Of the request that asks: one that is carried out once more, because nobody knew that it was, finds its action. */
  id: string | null
  actor: string
  reason: string | null
}

/** One transaction does so many: some tens of milliseconds, in which nobody else can close the same letters. */
const PART = 500

/**
 * Keeps a bulk action with the ids of exactly what its preview counted; somebody at work does it. The ids go from table to table in one
 * statement, which sees one moment. Throws CSW-8007 when the selection is another one by now.
 */
export async function beginBulkAction(pool: pg.Pool, request: BulkRequest): Promise<number> {
  try {
    return await withTransaction(pool, (client) => begin(client, request))
  } catch (error) {
    const former = isUniqueViolation(error) ? await findByRequest(pool, request.id) : undefined
    if (former === undefined) throw error
    return former
  }
}

async function findByRequest(pool: pg.Pool, id: string | null): Promise<number | undefined> {
  const { rows } = await pool.query<{ id: number }>('select id from bulk_action where request_key = $1', [id])
  return rows[0]?.id
}

async function begin(client: pg.PoolClient, request: BulkRequest): Promise<number> {
  const { kind, filter, said, selection, token, actor, reason } = request
  const { rows } = await client.query<{ id: number }>(
    `insert into bulk_action (kind, filter, said, actor, reason, request_key, total) values ($1, $2, $3, $4, $5, $6, 0) returning id`,
    [kind, JSON.stringify(filter), said && JSON.stringify(said), actor, reason, request.id],
  )
  const { id } = rows[0]!
  const next = selection.values.length + 1
  const { rows: counts } = await client.query<SelectionCount>(
    `with chosen as materialized (${selection.text}), parts as (
       insert into bulk_part (action_id, ids)
       select $${next}, array_agg(id order by id)
         from (select id, (row_number() over (order by id) - 1) / $${next + 1}::int as part from chosen) numbered
        group by part order by part
     ) select ${COUNTS} from chosen group by code`,
    [...selection.values, id, PART],
  )
  const counted = countedOf(counts)
  if (counted.token !== token)
    throw new CausewayError('CSW-8007', {
      what: `The filter selects others now (${counted.count}) than when the preview was made.`,
    })
  await client.query('update bulk_action set total = $2 where id = $1', [id, counted.count])
  // Last: whoever writes into the audit waits from here on.
  await appendAudit(client, {
    actor,
    action: kind,
    subject: `bulk_action:${id}`,
    detail: { filter, asked: counted.count, ...(reason ? { reason } : {}) },
  })
  return id
}

/** Stops an action: the part under way is finished, the others are dropped. False when it was over already. */
export function abortBulkAction(
  pool: pg.Pool,
  id: number,
  by: { name: string; reason: string | null },
): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    // Waits for the part under way, which holds the row.
    const { rows } = await client.query<{ total: number; settled: number }>(
      `update bulk_action set state = 'aborted', said = null, aborted_by = $2, changed_at = now(), ended_at = now()
        where id = $1 and state = 'running' returning total, done + passed_over + failed as settled`,
      [id, by.name],
    )
    const [stopped] = rows
    if (!stopped) return false
    await client.query('delete from bulk_part where action_id = $1', [id])
    await appendAudit(client, {
      actor: by.name,
      action: 'bulk_action.abort',
      subject: `bulk_action:${id}`,
      detail: { left: stopped.total - stopped.settled, ...(by.reason ? { reason: by.reason } : {}) },
    })
    return true
  })
}
