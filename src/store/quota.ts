import type pg from 'pg'
import { withTransaction } from './transaction.ts'

export type QuotaChange<T> = (
  states: ReadonlyMap<string, string>,
  now: number,
) => { states: Map<string, string>; result: T }

/**
 * Changes the states of some limits under a lock, in one transaction. `now` is the clock of Postgres in milliseconds, so that
 * the clocks of processes need not agree. `change` may run more than once.
 */
export function updateQuota<T>(pool: pg.Pool, keys: string[], change: QuotaChange<T>): Promise<T> {
  // One order for everybody, or two processes would wait for each other.
  const ordered = [...new Set(keys)].sort()
  return withTransaction(pool, async (client) => {
    await client.query({
      name: 'make-quota',
      text: `insert into quota (key, state) select k, '' from unnest($1::text[]) as k
              where not exists (select 1 from quota q where q.key = k) order by k on conflict do nothing`,
      values: [ordered],
    })
    const { rows } = await client.query<{ key: string; state: string }>({
      name: 'lock-quota',
      text: 'select key, state from quota where key = any($1) order by key for update',
      values: [ordered],
    })
    // After the lock: whoever waited for it must not book into the past.
    const { rows: clock } = await client.query<{ now: number }>({
      name: 'read-clock',
      text: 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as now',
    })
    const known = new Map(rows.flatMap(({ key, state }) => (state ? [[key, state] as const] : [])))
    const { states, result } = change(known, clock[0]!.now)
    await client.query({
      name: 'save-quota',
      text: `update quota q set state = n.state, updated_at = now()
               from unnest($1::text[], $2::text[]) as n(key, state) where q.key = n.key`,
      values: [[...states.keys()], [...states.values()]],
    })
    return result
  })
}
