import type pg from 'pg'
import { CausewayError, type Clock, machineClock } from '../core/index.ts'
import type { LeaseProof } from './ledger/types.ts'

/*
 * A lease is the right to do a named piece of work now. Its token grows with every change of hands and is never given out
 * twice, so the ledger can tell a late holder from the present one (fencing): commits check it with `assertLease` in `ledger/`.
 */

export type LeaseOptions = {
  /** Who holds it, for people who look into the table. */
  holder: string
  /** How long it lasts without renewal: as long does work stand still after a crash. */
  ttlMs?: number
  clock?: Clock
}

const DEFAULT_TTL_MS = 60_000

/*
 * Expiry is judged by the clock of Postgres alone (clock_timestamp, because now() stands still in a transaction). A row is
 * never deleted, or its next token would be one that somebody holds already; a released one has expired for ever.
 * One that is seen to be held is not touched: a conflict would lock its row, and that is written to disk and waited for.
 */
const ACQUIRE = `
with former as (select holder, expires_at from lease where name = $1)
insert into lease as l (name, holder, expires_at) select $1, $2, clock_timestamp() + $3 * interval '1 ms'
 where not exists (select from former where expires_at > clock_timestamp())
on conflict (name) do update
   set holder = excluded.holder, token = l.token + 1, expires_at = clock_timestamp() + $3 * interval '1 ms'
 where l.expires_at <= clock_timestamp()
returning token, coalesce((select expires_at > '-infinity' and holder <> $2 from former), false) as "formerDied"`

/** Renewing after expiry is allowed while nobody took over: the token says that no other holder came in between. */
const RENEW = `
update lease set expires_at = clock_timestamp() + $3 * interval '1 ms'
 where name = $1 and token = $2 and expires_at > '-infinity'`

const RELEASE = `update lease set expires_at = '-infinity' where name = $1 and token = $2`

/** `formerDied`: the holder before never gave it back, so it was killed, frozen, or cut off. */
export type AcquiredLease = LeaseProof & { formerDied: boolean }

/** Takes a lease that is free or has expired. Undefined while somebody else holds it. */
export async function acquireLease(
  pool: pg.Pool,
  name: string,
  options: LeaseOptions,
): Promise<AcquiredLease | undefined> {
  const { rows } = await pool.query<Omit<AcquiredLease, 'name'>>(ACQUIRE, [
    name,
    options.holder,
    options.ttlMs ?? DEFAULT_TTL_MS,
  ])
  return rows[0] && { name, ...rows[0] }
}

/** Makes a lease last from now on. False when somebody else took it over. */
export async function renewLease(pool: pg.Pool, lease: LeaseProof, ttlMs = DEFAULT_TTL_MS): Promise<boolean> {
  const { rowCount } = await pool.query(RENEW, [lease.name, lease.token, ttlMs])
  return rowCount === 1
}

/** Gives a lease back; nothing happens when it is no longer ours. */
export async function releaseLease(pool: pg.Pool, lease: LeaseProof): Promise<void> {
  await pool.query(RELEASE, [lease.name, lease.token])
}

/**
 * Ends every lease at once. For the start of a hub that has its database for itself (embedded): whoever held them is dead, and
 * waiting for the expiry would only delay its work. Tokens still grow, so even a holder that is not dead cannot commit. They
 * are left as expired, not as given back.
 */
export async function breakLeases(pool: pg.Pool): Promise<void> {
  await pool.query(`update lease set token = token + 1, expires_at = 'epoch' where expires_at > 'epoch'`)
}

/** Takes a lease and keeps it renewed until `release`. Null when somebody else holds it. */
export async function holdLease(pool: pg.Pool, name: string, options: LeaseOptions): Promise<HeldLease | null> {
  const clock = options.clock ?? machineClock
  // Counted from before the request, so that we never believe in it longer than Postgres does.
  const asked = readClocks(clock)
  const proof = await acquireLease(pool, name, options)
  return proof ? new HeldLease(pool, proof, { clock, ttlMs: options.ttlMs ?? DEFAULT_TTL_MS, asked }) : null
}

type Clocks = { monotonic: number; wall: number }
const readClocks = (clock: Clock): Clocks => ({ monotonic: clock.monotonic(), wall: clock.now().getTime() })

/** A lease that renews itself at a third of its time. `signal` aborts with CSW-6004 as soon as it is, or must be taken for, lost. */
export class HeldLease implements LeaseProof {
  readonly name: string
  readonly token: number
  readonly formerDied: boolean
  private readonly pool: pg.Pool
  private readonly clock: Clock
  private readonly ttlMs: number
  private readonly lost = new AbortController()
  private since: Clocks
  private renewal: NodeJS.Timeout | undefined
  private expiry: NodeJS.Timeout | undefined
  private renewing: Promise<void> | undefined
  private released = false

  constructor(pool: pg.Pool, proof: AcquiredLease, options: { clock: Clock; ttlMs: number; asked: Clocks }) {
    this.pool = pool
    this.name = proof.name
    this.token = proof.token
    this.formerDied = proof.formerDied
    this.clock = options.clock
    this.ttlMs = options.ttlMs
    this.since = options.asked
    this.schedule()
  }

  get signal(): AbortSignal {
    return this.lost.signal
  }

  /**
   * How long the lease lasts without another renewal; requests must end before. Measured on the monotonic clock, and on the
   * wall clock where that says more has passed: the monotonic one stands still while a machine is suspended.
   */
  remainingMs(): number {
    const now = readClocks(this.clock)
    const passed = Math.max(now.monotonic - this.since.monotonic, now.wall - this.since.wall)
    return this.released || this.signal.aborted ? 0 : Math.max(0, this.ttlMs - passed)
  }

  /** True while the lease lasts at least `marginMs` longer. Asked just before something is sent. */
  stillHeld(marginMs = 0): boolean {
    return this.remainingMs() > marginMs
  }

  /** Stops renewing and gives the lease back. Never throws: what cannot be given back expires. */
  async release(): Promise<void> {
    if (this.released) return
    this.released = true
    clearTimeout(this.renewal)
    clearTimeout(this.expiry)
    // A renewal under way that arrived after the release would not revive it (RENEW), but must not outlive the pool.
    await this.renewing
    await releaseLease(this.pool, this).catch(() => {})
  }

  private schedule(): void {
    clearTimeout(this.renewal)
    clearTimeout(this.expiry)
    if (this.released || this.signal.aborted) return
    const remaining = this.remainingMs()
    this.renewal = setTimeout(() => (this.renewing = this.renew()), Math.min(this.ttlMs / 3, remaining / 2))
    // Stands on its own, because a renewal may hang for as long as Postgres does.
    this.expiry = setTimeout(() => this.lose('it could not be renewed in time'), remaining)
  }

  private async renew(): Promise<void> {
    const asked = readClocks(this.clock)
    try {
      if (!(await renewLease(this.pool, this, this.ttlMs))) return this.lose('somebody else took it over')
      this.since = asked
    } catch {
      // Postgres is away: tried again, at shrinking distances, until the lease has expired.
    }
    if (this.remainingMs() > 0) this.schedule()
  }

  private lose(reason: string): void {
    clearTimeout(this.renewal)
    clearTimeout(this.expiry)
    if (this.released || this.signal.aborted) return
    this.lost.abort(new CausewayError('CSW-6004', { what: `The lease "${this.name}" was lost: ${reason}.` }))
  }
}
