/** The inbox's writing side: many webhook requests share one transaction, and each is answered after the commit. */
import type pg from 'pg'
import { CausewayError, digest } from '../core/index.ts'
import { sealTexts } from './body-seals.ts'
import { callOf } from './calls.ts'
import { asStoreError, isConnectionLoss, isTransactionConflict } from './failure.ts'
import { arrayText } from './ledger/array-text.ts'
import { packTexts } from './ledger/text-blob.ts'
import { createPool } from './pool.ts'

export type NewEvent = {
  connectionId: number
  stream: string | null
  /** The sender's event id; a repeat of the same bytes within the retention of `inbox_seen` is answered and not stored again. */
  eventId: string
  headers: Record<string, string>
  body: Buffer
  /** A stream of the connection is not kept in full: until it is read, the body stands sealed. */
  sealed?: boolean
}

/** What the seal of a webhook's body is bound to. */
export const aboutEvent = (connectionId: number, eventId: string): string => `webhook ${connectionId} ${eventId}`

export type InboxWriterOptions = {
  /** Called once per commit with the connections that got events; for the wake-up call. Must not throw. */
  onCommit?: (connectionIds: number[]) => void
  /** How long a caller waits for the commit before it is told to come back. */
  deadlineMs?: number
  /** Bounds of one transaction. */
  batchEvents?: number
  batchBytes?: number
  /** Bounds of what may wait; beyond, callers are told to come back at once. */
  waitingEvents?: number
  waitingBytes?: number
}

type Outcome = 'stored' | 'duplicate'
type Stored = { connectionId: number; eventId: string }
/** Events whose ids were there. */
type Seen = Stored & { digest: string | null; seenAt: Date }
type Waiting = {
  events: NewEvent[]
  bytes: number
  done: (outcomes: Outcome[]) => void
  failed: (error: unknown) => void
  late: () => void
  /** When its caller is told to come back, on the monotonic clock. */
  deadline: number
  expired: boolean
}

const DEFAULTS = {
  onCommit: () => {},
  deadlineMs: 4_000,
  batchEvents: 500,
  batchBytes: 8 * 1024 * 1024,
  waitingEvents: 10_000,
  waitingBytes: 64 * 1024 * 1024,
}

/**
 * Among the headers of an event that came under the id of an earlier one with another body: when that one came. It may be a repeat of which the sender
 * changed a counter, so that what it says is no newer than that; or another event, which must not be lost.
 */
export const AS_OF = 'causeway-as-of'

/** A btree entry ends at about 2,700 bytes, and text holds neither U+0000 nor lone surrogates: such ids are digested. */
const MAX_EVENT_ID = 400
const storableId = (id: string): string =>
  id.length <= MAX_EVENT_ID && !id.includes('\0') && id.isWellFormed() && id !== ''
    ? id
    : `sha256:${digest(Buffer.from(id, 'utf16le'))}`

/**
 * Inserts what nobody sent before. $1 connections · $2 event ids · $3 streams · $4 headers · $5 all bodies · $6 starts · $7 lengths · $8 digests
 * A concurrent insert of the same id waits for that transaction: "already there" is said only of what is committed. The order
 * of the ids is fixed, so that two processes with the same ids cannot lock each other out; the rows get their numbers in the
 * order in which the events came. Workers are called as part of the commit, once per connection.
 */
const INSERT = `
with incoming as (
  select distinct on (connection_id, event_id) *
    from unnest($1::int[], $2::text[], $3::text[], $4::text[], $6::int[], $7::int[], $8::text[])
         with ordinality as t(connection_id, event_id, stream, headers, start, length, digest, turn)
   order by connection_id, event_id, turn
), fresh as (
  insert into inbox_seen (connection_id, event_id, body_digest) select connection_id, event_id, digest from incoming
  on conflict do nothing returning connection_id, event_id
), stored as (
  insert into inbox (connection_id, stream, event_id, headers, body)
  select i.connection_id, i.stream, i.event_id, i.headers, substring($5::bytea from i.start for i.length)
    from incoming i join fresh f on (f.connection_id, f.event_id collate "C") = (i.connection_id, i.event_id collate "C")
   order by i.turn
  returning connection_id, event_id
), called as (
  select ${callOf("'inbox'", 'connection_id::text')} from (select distinct connection_id from stored) of_connection
) select connection_id as "connectionId", event_id as "eventId" from stored, (select count(*) from called) as calls`

/**
 * The sessions of a writer: its own, so that no webhook waits behind other work of the process, and such that a statement ends
 * before its callers are told to come back.
 */
export const inboxPool = (url: string): pg.Pool =>
  createPool(url, {
    max: 2,
    applicationName: 'causeway-inbox',
    statementMs: DEFAULTS.deadlineMs - 500,
    idleMs: 300_000,
  })

/** Writes events in batches: whatever arrives while one transaction commits goes into the next. */
export class InboxWriter {
  readonly #pool: pg.Pool
  readonly #seals: object
  readonly #options: Required<InboxWriterOptions>
  #queue: Waiting[] = []
  #waitingEvents = 0
  #waitingBytes = 0
  #flushing: Promise<void> | undefined
  /** Who waits for an answer, the first deadline first. */
  readonly #callers = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined

  /** `seals`: the pool by which seals are known, where it is another one. */
  constructor(pool: pg.Pool, options: InboxWriterOptions = {}, seals: object = pool) {
    this.#pool = pool
    this.#seals = seals
    this.#options = { ...DEFAULTS, ...options }
  }

  /**
   * Resolves after the commit, with what became of each event. Rejects with CSW-8006 (too much waits) or CSW-6001 (the
   * database does not answer in time; the events may or may not be stored, and the sender's repeat settles it).
   */
  add(events: NewEvent[]): Promise<Outcome[]> {
    if (!events.length) return Promise.resolve([])
    const bytes = events.reduce((sum, event) => sum + event.body.length + 200, 0)
    const { waitingEvents, waitingBytes, deadlineMs } = this.#options
    if (this.#waitingEvents + events.length > waitingEvents || this.#waitingBytes + bytes > waitingBytes)
      return Promise.reject(
        new CausewayError('CSW-8006', {
          what: 'More webhooks wait for the database than may wait.',
          retryAfterMs: 5_000,
        }),
      )
    return new Promise<Outcome[]>((resolve, reject) => {
      const settle = (): void => {
        this.#callers.delete(waiting)
        this.#waitingEvents -= events.length
        this.#waitingBytes -= bytes
      }
      const waiting: Waiting = {
        events,
        bytes,
        deadline: performance.now() + deadlineMs,
        expired: false,
        done: (outcomes) => {
          settle()
          resolve(outcomes)
        },
        failed: (error) => {
          settle()
          reject(error)
        },
        late: () => {
          waiting.expired = true
          reject(lateCommit(deadlineMs))
        },
      }
      this.#callers.add(waiting)
      this.#timer ??= setTimeout(() => this.#tellLate(), deadlineMs)
      this.#waitingEvents += events.length
      this.#waitingBytes += bytes
      this.#queue.push(waiting)
      this.#flushing ??= this.#flush()
    })
  }

  /** One timer for all callers: one each would cost more than the rest of `add`. */
  #tellLate(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const caller of this.#callers) {
      // Timers may be a little early.
      if (caller.deadline > now + 5) {
        this.#timer = setTimeout(() => this.#tellLate(), caller.deadline - now)
        return
      }
      this.#callers.delete(caller)
      caller.late()
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#flushing
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #flush(): Promise<void> {
    // A turn of the event loop lets requests that arrived together share the first commit.
    await new Promise(setImmediate)
    while (this.#queue.length) {
      const batch = this.#takeBatch()
      if (batch.length) await this.#write(batch)
    }
    this.#flushing = undefined
  }

  #takeBatch(): Waiting[] {
    const batch: Waiting[] = []
    let events = 0
    let bytes = 0
    for (;;) {
      const next = this.#queue[0]
      if (!next) return batch
      const full =
        events + next.events.length > this.#options.batchEvents || bytes + next.bytes > this.#options.batchBytes
      if (batch.length && full) return batch
      this.#queue.shift()
      // Nobody waits for these any more, and they were told to send again.
      if (next.expired) next.failed(lateCommit(this.#options.deadlineMs))
      else {
        batch.push(next)
        events += next.events.length
        bytes += next.bytes
      }
    }
  }

  async #write(batch: Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#insert(batch.flatMap((waiting) => waiting.events))
      for (const waiting of batch) waiting.done(waiting.events.map((event) => outcomes.get(event)!))
    } catch (error) {
      const outage = isConnectionLoss(error) || isTimeout(error)
      // An error of the data itself must not take the neighbours along: each caller is tried alone.
      if (!outage && batch.length > 1) for (const waiting of batch) await this.#write([waiting])
      else for (const waiting of batch) waiting.failed(outage ? unavailable(error) : asStoreError(error))
    }
  }

  async #sealed(events: NewEvent[]): Promise<NewEvent[]> {
    const open = events.filter(({ sealed }) => sealed)
    if (!open.length) return events
    const texts = open.map((event) => ({
      about: aboutEvent(event.connectionId, storableId(event.eventId)),
      bytes: event.body,
    }))
    const bodies = await sealTexts(this.#seals, this.#pool, texts)
    const byEvent = new Map(open.map((event, i) => [event, bodies[i]!]))
    return events.map((event) => (event.sealed ? { ...event, body: byEvent.get(event)! } : event))
  }

  /** What became of each event. One whose id is known, but not with this body, is stored under an id of its own. */
  async #insert(events: NewEvent[]): Promise<Map<NewEvent, Outcome>> {
    const outcomes = await this.#insertNew(events)
    const repeated = events.filter((event) => outcomes.get(event) === 'duplicate')
    if (!repeated.length) return outcomes
    const seen = new Map((await readSeen(this.#pool, repeated)).map((row) => [nameOf(row), row]))
    const others = repeated.flatMap((event) => {
      const first = seen.get(nameOf(asStored(event)))
      return first?.digest && first.digest !== digestOf(event) ? [{ event, other: apartFrom(first, event) }] : []
    })
    if (!others.length) return outcomes
    const again = await this.#insertNew(others.map(({ other }) => other))
    for (const { event, other } of others) outcomes.set(event, again.get(other)!)
    return outcomes
  }

  async #insertNew(events: NewEvent[]): Promise<Map<NewEvent, Outcome>> {
    const digests = events.map(digestOf)
    for (let attempt = 1; ; attempt++) {
      try {
        const stored = await insertOnce(this.#pool, await this.#sealed(events), digests)
        if (stored.length) this.#options.onCommit([...new Set(stored.map((row) => row.connectionId))])
        const names = new Set(stored.map(nameOf))
        // The first of equal events in a batch was stored; the others are repeats.
        return new Map(events.map((event) => [event, names.delete(nameOf(asStored(event))) ? 'stored' : 'duplicate']))
      } catch (error) {
        if (attempt === 3 || !isTransactionConflict(error)) throw error
      }
    }
  }
}

const nameOf = ({ connectionId, eventId }: Stored): string => `${connectionId} ${eventId}`
const asStored = ({ connectionId, eventId }: NewEvent): Stored => ({ connectionId, eventId: storableId(eventId) })

/** Of what was sent, whatever is stored of it. Short: bodies may be of people, and need only be told apart. */
const digestOf = ({ body }: NewEvent): string => digest(body).slice(0, 11)

/** An event with a known id and another body, as it is stored; its own repeats have the same id. */
const apartFrom = ({ seenAt }: Seen, event: NewEvent): NewEvent => ({
  ...event,
  eventId: `${storableId(event.eventId)} ${digestOf(event)}`,
  headers: { ...event.headers, [AS_OF]: seenAt.toISOString() },
})

async function readSeen(pool: pg.Pool, events: NewEvent[]): Promise<Seen[]> {
  const { rows } = await pool.query<Seen>({
    name: 'read-inbox-seen',
    text: `select s.connection_id as "connectionId", s.event_id as "eventId", s.body_digest as digest, s.seen_at as "seenAt"
             from unnest($1::int[], $2::text[]) as t(connection_id, event_id)
             join inbox_seen s on (s.connection_id, s.event_id) = (t.connection_id, t.event_id collate "C")`,
    values: [
      arrayText(events.map((event) => event.connectionId)),
      arrayText(events.map((event) => storableId(event.eventId))),
    ],
  })
  return rows
}

/** One statement, which is a transaction by itself: a `begin` and a `commit` would be two more round trips per commit. */
async function insertOnce(pool: pg.Pool, events: NewEvent[], digests: string[]): Promise<Stored[]> {
  const bodies = packTexts(events.map((event) => event.body))
  const { rows } = await pool.query<Stored>({
    name: 'insert-inbox',
    text: INSERT,
    values: [
      arrayText(events.map((event) => event.connectionId)),
      arrayText(events.map((event) => storableId(event.eventId))),
      arrayText(events.map((event) => event.stream)),
      arrayText(events.map((event) => JSON.stringify(event.headers))),
      bodies.bytes,
      arrayText(bodies.starts),
      arrayText(bodies.lengths),
      arrayText(digests),
    ],
  })
  return rows
}

/** 57014 query_canceled: our statement_timeout; 55P03: a lock that did not come; 53xxx: disk or memory full. */
const isTimeout = (error: unknown): boolean => /^(57014|55P03|53...)$/.test(String((error as { code?: unknown }).code))

const unavailable = (cause: unknown): CausewayError =>
  new CausewayError('CSW-6001', { what: 'The event could not be committed now.', retryAfterMs: 5_000, cause })

const lateCommit = (ms: number): CausewayError =>
  new CausewayError('CSW-6001', { what: `The event was not committed within ${ms} ms.`, retryAfterMs: 5_000 })
