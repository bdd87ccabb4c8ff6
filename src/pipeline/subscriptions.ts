/**
 * Keeps webhooks ordered at other systems: creates what syncs want, renews it before it ends, creates it anew after it was
 * lost, removes what nobody needs. One worker at a time per connection, under a lease. An order is in the ledger, with its
 * secret, before it is sent; whoever finds one whose answer never came looks for it first, so that there are never two.
 */
import type { ConnectorSession, Subscriber } from '../connector/index.ts'
import { asCausewayError, backoffMs, CausewayError, withUrgency } from '../core/index.ts'
import type { HeldLease, Ports, SubscriptionBook, SubscriptionRow } from './ports.ts'
import { DOUBT_MS, differences, dueSteps, isOpen, isOver, renewalOf, type Wish, wishOf } from './subscription-steps.ts'

export type SubscriptionPorts = Pick<Ports, 'holdLease' | 'clock' | 'log'> & {
  book: SubscriptionBook
  /** Connections whose connectors order webhooks, with the streams that syncs want them for; `gone`: no file defines it any more. */
  wanted(): Promise<{ id: number; name: string; streams: string[]; gone: boolean }[]>
  /** Also of a connection that no file defines any more. */
  session(connection: string): Promise<ConnectorSession>
  /** Keeps how it is reached, for the time when no file defines it any more. */
  remember(connection: string): Promise<void>
  /** Our address for webhooks; null while the hub has no public one. */
  address(connection: string, stream: string | null): string | null
}
type Wanted = Awaited<ReturnType<SubscriptionPorts['wanted']>>[number]

/** Nothing is sent with less of the lease left. */
const MARGIN_MS = 3_000
const RETRY = { baseMs: 30_000, capMs: 60 * 60_000 }
/** Renewing and losing lead to new orders, which are placed at once. */
const PASSES = 3
/** After these the order may have been taken: the answer was lost, cut off, or not waited for. */
const UNKNOWN = new Set(['CSW-3011', 'CSW-3012', 'CSW-3015'])

/** One round over all connections. A connection that fails holds up no other. */
export async function keepSubscriptions(ports: SubscriptionPorts, signal: AbortSignal): Promise<void> {
  const wanted = await ports.wanted()
  await Promise.all(
    wanted.map(async (connection) => {
      try {
        await withUrgency('webhook', () => keepOf(ports, connection, signal))
      } catch (thrown) {
        if (signal.aborted) return
        const { code, message } = asCausewayError(thrown)
        ports.log.warn(
          { connection: connection.name, code, reason: message },
          'webhooks of a connection could not be kept',
        )
      }
    }),
  )
}

async function keepOf(ports: SubscriptionPorts, connection: Wanted, stop: AbortSignal): Promise<void> {
  const rows = await ports.book.read(connection.id)
  if (rows.length + connection.streams.length === 0) return
  const subscriber = (await ports.session(connection.name)).subscriber!()
  const wishes = wishesOf(ports, connection, subscriber, rows)
  const { missing, unwanted, changed } = differences(rows, wishes)
  const rest = dueSteps(rows, subscriber, ports.clock.now())
  if (missing.length + unwanted.length + changed.length === 0 && !rest.any) return
  const lease = await ports.holdLease(`webhooks:${connection.name}`)
  if (!lease) return
  try {
    if (!connection.gone) await ports.remember(connection.name)
    const signal = AbortSignal.any([stop, lease.signal])
    const keeper = new Keeper({ ...ports, connection, subscriber, lease, signal })
    for (let pass = 0; pass < PASSES && !signal.aborted; pass++) if (!(await keeper.pass())) break
  } finally {
    await lease.release()
  }
}

/** Without a public address nothing is ordered; what lives already is kept. */
function wishesOf(
  ports: SubscriptionPorts,
  connection: Wanted,
  subscriber: Subscriber,
  rows: SubscriptionRow[],
): Wish[] {
  return subscriber.plan(connection.streams).flatMap((plan) => {
    const standing = rows.find(({ stream, state }) => stream === plan.stream && state !== 'leaving')
    const url = ports.address(connection.name, plan.stream) ?? standing?.url
    return url === undefined ? [] : [{ ...plan, url }]
  })
}

type KeeperParts = SubscriptionPorts & {
  connection: Wanted
  subscriber: Subscriber
  lease: HeldLease
  signal: AbortSignal
}

/** The holder of the lease at work. */
class Keeper {
  readonly #parts: KeeperParts
  #rows: SubscriptionRow[] = []
  #wishes: Wish[] = []

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  /** True when something changed that may ask for more. */
  async pass(): Promise<boolean> {
    await this.#read()
    let moved = await this.#enterWishes()
    await this.#read()
    const { subscriber } = this.#parts
    const steps = dueSteps(this.#rows, subscriber, this.#now())
    if (steps.look) {
      moved = (await this.#look(steps.ordering)) || moved
      await this.#read()
    }
    const { ordering, renewing, leaving } = dueSteps(this.#rows, subscriber, this.#now())
    for (const row of ordering) moved = (await this.#try(row, () => this.#order(row))) || moved
    for (const row of renewing) moved = (await this.#try(row, () => this.#renew(row))) || moved
    for (const row of leaving) moved = (await this.#try(row, () => this.#remove(row))) || moved
    return moved
  }

  /** Wishes and changes become rows; nothing is sent. */
  async #enterWishes(): Promise<boolean> {
    const { book, lease, connection } = this.#parts
    const { missing, unwanted, changed } = differences(this.#rows, this.#wishes)
    for (const row of unwanted) await book.leave(lease, row)
    for (const row of changed) await this.#replace(row)
    for (const wish of missing) await book.want(lease, connection, wish, this.#parts.subscriber.newSecret())
    return missing.length + unwanted.length + changed.length > 0
  }

  /** Compares with what the system says it has: finds orders again, notices losses, removes what nobody here knows. */
  async #look(ordering: SubscriptionRow[]): Promise<boolean> {
    const { book, lease, subscriber, signal } = this.#parts
    let found: Awaited<ReturnType<Subscriber['find']>>
    try {
      found = await subscriber.find(signal)
    } catch (error) {
      const waiting = ordering.length ? ordering : this.#rows.filter(({ state }) => state === 'active')
      for (const row of waiting) await this.#fail(row, error)
      return false
    }
    let moved = false
    const known = new Set(this.#rows.map(({ remoteId }) => remoteId))
    for (const one of found) {
      const rows = this.#rows.filter(({ url }) => url === one.url)
      if (known.has(one.id) || rows.length === 0) continue
      const open = rows.filter(isOpen)
      const [row] = open
      if (row && open.length === 1 && row.state === 'ordering' && subscriber.ownSecret) {
        await this.#settle(row, { remoteId: one.id, expiresAt: one.expiresAt ?? this.#endOf(row) })
        known.add(one.id)
        row.remoteId = one.id
      } else await subscriber.remove({ id: one.id, secret: '' }, signal)
      moved = true
    }
    const ids = new Set(found.map(({ id }) => id))
    const active = this.#rows.filter(({ state }) => state === 'active')
    // A list may lag behind what was made a moment ago.
    const since = this.#now().getTime() - DOUBT_MS
    for (const row of active) {
      if (ids.has(row.remoteId!) || (row.seenAt?.getTime() ?? 0) > since) continue
      this.#note(row, 'a webhook that was ordered is gone from its system; it is ordered anew')
      await book.forget(lease, row)
      moved = true
    }
    await book.seen(
      lease,
      active.filter(({ remoteId }) => ids.has(remoteId!)),
      this.#now(),
    )
    return moved
  }

  async #order(row: SubscriptionRow): Promise<boolean> {
    const { book, lease, subscriber, signal } = this.#parts
    const wish = wishOf(row, this.#wishes)
    if (!wish) return false
    if (isOpen(row)) {
      const over = isOver(row, subscriber, this.#now())
      if (over === 'ask') throw unheard(row)
      if (over === 'later') return false
    }
    const secret = await book.secretOf(row)
    if (secret === undefined) throw new CausewayError('CSW-6007', { what: 'The secret of a webhook order is missing.' })
    await book.sending(lease, row, this.#now())
    const maySend = () => lease.stillHeld(MARGIN_MS)
    let made: Awaited<ReturnType<Subscriber['create']>>
    try {
      made = await subscriber.create({ ...wish, secret }, { signal, maySend })
    } catch (error) {
      if (!UNKNOWN.has(asCausewayError(error).code)) await book.notSent(lease, row)
      throw error
    }
    await this.#settle(row, {
      remoteId: made.id,
      expiresAt: made.expiresAt,
      ...(made.secret === secret ? {} : { secret: made.secret }),
    })
    this.#note(row, 'a webhook was ordered')
    return true
  }

  async #renew(row: SubscriptionRow): Promise<boolean> {
    const { subscriber, signal, book } = this.#parts
    const wish = wishOf(row, this.#wishes)
    if (!wish) return false
    const ended = row.expiresAt !== null && row.expiresAt <= this.#now()
    if (!subscriber.renews || ended) {
      await this.#replace(row)
      return true
    }
    const secret = (await book.secretOf(row)) ?? ''
    try {
      const held = { id: row.remoteId!, stream: row.stream, url: row.url, secret, expiresAt: row.expiresAt }
      await this.#settle(row, {
        remoteId: row.remoteId!,
        expiresAt: await subscriber.renew(held, wish.streams, signal),
      })
    } catch (error) {
      if (asCausewayError(error).code !== 'CSW-3009') throw error
      this.#note(row, 'a webhook that was to be renewed is gone; it is ordered anew')
      await this.#replace(row)
    }
    return true
  }

  async #remove(row: SubscriptionRow): Promise<boolean> {
    const { book, lease, subscriber, signal } = this.#parts
    const ended = row.expiresAt !== null && row.expiresAt <= this.#now()
    if (row.remoteId !== null && !ended) {
      await subscriber.remove({ id: row.remoteId, secret: (await book.secretOf(row)) ?? '' }, signal)
      this.#note(row, 'a webhook was removed')
    } else if (isOpen(row)) {
      const over = isOver(row, subscriber, this.#now())
      if (over === 'ask') throw unheard(row)
      if (over === 'later') return false
    }
    await book.forget(lease, row)
    return true
  }

  /** A failure is kept with the row and tried again later; whoever lost the lease writes nothing more. */
  async #try(row: SubscriptionRow, step: () => Promise<boolean>): Promise<boolean> {
    try {
      return await step()
    } catch (error) {
      this.#parts.signal.throwIfAborted()
      await this.#fail(row, error)
      return false
    }
  }

  async #fail(row: SubscriptionRow, thrown: unknown): Promise<void> {
    const { book, lease, log } = this.#parts
    const error = asCausewayError(thrown)
    if (error.code === 'CSW-6004') throw error
    // An order that may have been taken is looked for soon; everything else waits longer each time.
    const unknown = UNKNOWN.has(error.code) && this.#parts.subscriber.finds
    const wait = unknown ? DOUBT_MS : Math.max(error.retryAfterMs ?? 0, backoffMs(row.failures + 1, RETRY))
    await book.fail(lease, row, error.toJSON(), new Date(this.#now().getTime() + wait))
    log.warn(
      { connection: row.connection, stream: row.stream, code: error.code, reason: error.message },
      'a webhook could not be kept',
    )
  }

  async #settle(
    row: SubscriptionRow,
    end: { remoteId: string; expiresAt: Date | null; secret?: string },
  ): Promise<void> {
    const { book, lease } = this.#parts
    const at = this.#now()
    await book.settle(lease, row, { ...end, renewAt: renewalOf(end.expiresAt, at), at })
  }

  #replace(row: SubscriptionRow): Promise<void> {
    const { book, lease, subscriber } = this.#parts
    return book.replace(lease, row, wishOf(row, this.#wishes)!, subscriber.newSecret())
  }

  /** Counted from when it was sent, so rather too early than too late. */
  #endOf(row: SubscriptionRow): Date | null {
    const { lifetimeMs } = this.#parts.subscriber
    return lifetimeMs === null ? null : new Date(row.sentAt!.getTime() + lifetimeMs)
  }

  async #read(): Promise<void> {
    this.#rows = await this.#parts.book.read(this.#parts.connection.id)
    this.#wishes = wishesOf(this.#parts, this.#parts.connection, this.#parts.subscriber, this.#rows)
  }

  #note(row: SubscriptionRow, message: string): void {
    this.#parts.log.info({ connection: row.connection, stream: row.stream }, message)
  }

  #now(): Date {
    return this.#parts.clock.now()
  }
}

const unheard = (row: SubscriptionRow): CausewayError =>
  new CausewayError('CSW-5014', {
    what: `It is unknown whether a webhook was ordered for ${row.connection}${row.stream === null ? '' : `:${row.stream}`}.`,
  })
