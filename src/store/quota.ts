import type pg from 'pg'
import { asStoreError } from './failure.ts'
import { withTransaction } from './transaction.ts'

export type QuotaChange<T> = (
  states: ReadonlyMap<string, string>,
  now: number,
) => { states: Map<string, string>; result: T }

/** Changes on top of what is remembered are tried this often before the rows are locked first. */
const TRIES = 3
/** Milliseconds by which our idea of Postgres' clock may be off; the windows of limits have 50 to spare. */
const CLOCK_TOLERANCE_MS = 25
/** Keys remembered; a hub with more limits asks twice now and then. */
const MAX_REMEMBERED = 10_000

/**
 * The states of the limits, changed by all processes. A process remembers what it saved last and puts the next change on top of
 * it in one statement, which does nothing if somebody else came in between: a caller waits for one answer instead of the six of
 * a transaction, each of which would also have to wait for the thread that reads it.
 */
export class QuotaBook {
  readonly #pool: pg.Pool
  readonly #states = new Map<string, string>()
  /** Milliseconds to add to our monotonic clock to have Postgres' clock. */
  #offset: number | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /**
   * Changes the states of some limits at once, or none. `now` is the clock of Postgres in milliseconds, so that the clocks of
   * processes need not agree. `change` may run more than once.
   */
  async update<T>(keys: string[], change: QuotaChange<T>): Promise<T> {
    // One order for everybody, or two processes would wait for each other.
    const ordered = [...new Set(keys)].sort()
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const before = ordered.map((key) => this.#states.get(key))
      if (this.#offset === undefined || before.includes(undefined)) break
      const now = performance.now() + this.#offset
      const { states, result } = change(new Map(ordered.map((key, i) => [key, before[i]!])), now)
      if (await this.#swap(ordered, before as string[], states, now)) return result
    }
    return this.#underLock(ordered, change)
  }

  /** Puts new states in the place of those we remember; false, and the states as they are, if they are others by now. */
  async #swap(keys: string[], before: string[], states: ReadonlyMap<string, string>, now: number): Promise<boolean> {
    const after = keys.map((key, i) => states.get(key) ?? before[i]!)
    const asked = performance.now()
    const { rows } = await this.#pool
      .query<{ key: string; state: string; now: number; saved: boolean }>({
        name: 'swap-quota',
        // What a crash of Postgres may lose are the last moments of a limit: not worth a wait for the disk before each call.
        text: `with held as (select key, state from quota where key = any($1) order by key for update),
                    clock as (select (extract(epoch from clock_timestamp()) * 1000)::double precision as now,
                                     set_config('synchronous_commit', 'off', true) as quick),
                    same as (select count(*) = cardinality($1) and bool_and(h.state = e.state) as yes
                               from held h join unnest($1::text[], $2::text[]) as e(key, state) using (key)),
                    saved as (update quota q set state = n.state, updated_at = now()
                                from unnest($1::text[], $3::text[]) as n(key, state), same, clock
                               where q.key = n.key and same.yes and abs(clock.now - $4) < $5 and clock.quick = 'off'
                              returning q.key)
               select h.key, h.state, clock.now, exists (select from saved) as saved from held h, clock`,
        values: [keys, before, after, now, CLOCK_TOLERANCE_MS],
      })
      .catch((error: unknown) => {
        // Whether it was saved is not known; the next one reads.
        this.#forget(keys)
        throw asStoreError(error)
      })
    const saved = rows[0]?.saved === true
    if (rows.length < keys.length) this.#forget(keys)
    else for (const { key, state } of rows) this.#remember(key, saved ? after[keys.indexOf(key)]! : state)
    if (rows[0]) this.#offset = rows[0].now - asked
    return saved
  }

  #underLock<T>(keys: string[], change: QuotaChange<T>): Promise<T> {
    return withTransaction(this.#pool, async (client) => {
      await client.query({
        name: 'make-quota',
        text: `insert into quota (key, state) select k, '' from unnest($1::text[]) as k
                where not exists (select 1 from quota q where q.key = k) order by k on conflict do nothing`,
        values: [keys],
      })
      const { rows } = await client.query<{ key: string; state: string }>({
        name: 'lock-quota',
        text: 'select key, state from quota where key = any($1) order by key for update',
        values: [keys],
      })
      // After the lock: whoever waited for it must not book into the past.
      const asked = performance.now()
      const { rows: clock } = await client.query<{ now: number }>({
        name: 'read-clock',
        text: 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as now',
      })
      this.#offset = clock[0]!.now - asked
      const known = new Map(rows.flatMap(({ key, state }) => (state ? [[key, state] as const] : [])))
      const { states, result } = change(known, clock[0]!.now)
      await client.query({
        name: 'save-quota',
        text: `update quota q set state = n.state, updated_at = now()
                 from unnest($1::text[], $2::text[]) as n(key, state) where q.key = n.key`,
        values: [[...states.keys()], [...states.values()]],
      })
      for (const [key, state] of states) this.#remember(key, state)
      return result
    })
  }

  #remember(key: string, state: string): void {
    if (this.#states.size >= MAX_REMEMBERED) this.#states.clear()
    this.#states.set(key, state)
  }

  #forget(keys: string[]): void {
    for (const key of keys) this.#states.delete(key)
  }
}
