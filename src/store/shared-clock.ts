/** The clock of the ledger as that of its processes: it is the only one that all of them have. */
import type pg from 'pg'
import { followMachine, followTime } from '../core/index.ts'

/** The monotonic clock of a machine stands still while it sleeps, and goes a little fast or slow. */
const EVERY_MS = 5_000
/** An answer that took longer says too little. */
const LONGEST_MS = 500

let followers = 0

/** Follows the clock of Postgres until the function it gives is called; what is known stays while the database is away. */
export async function followLedgerClock(pool: pg.Pool): Promise<() => void> {
  const look = async (longest: number): Promise<void> => {
    const asked = performance.now()
    const { rows } = await pool.query<{ now: number }>({
      name: 'read-clock',
      text: 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as now',
    })
    const answered = performance.now()
    if (answered - asked <= longest) followTime(rows[0]!.now, asked, answered)
  }
  followers++
  await look(Infinity)
  const timer = setInterval(() => void look(LONGEST_MS).catch(() => undefined), EVERY_MS).unref()
  let follows = true
  return () => {
    if (!follows) return
    follows = false
    clearInterval(timer)
    if (--followers === 0) followMachine()
  }
}
