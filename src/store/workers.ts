import type pg from 'pg'

const BEAT = `
insert into worker (id) values ($1) on conflict (id) do update set seen_at = now(), left_at = null`

/** Those that were killed are shown for a while, then forgotten. */
const FORGET = `delete from worker where seen_at < now() - interval '1 hour'`

/** A process that works says that it is there. */
export async function beatWorker(pool: pg.Pool, id: string): Promise<void> {
  await pool.query(BEAT, [id])
  await pool.query(FORGET)
}

/** It ends, and says so: nobody has to wait for its silence. */
export async function leaveWorker(pool: pg.Pool, id: string): Promise<void> {
  await pool.query('update worker set left_at = now() where id = $1', [id])
}
