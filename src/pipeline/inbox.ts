import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import { asCausewayError, backoffMs, CausewayError, parseExact, withUrgency } from '../core/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { fingerprintOf, isConnectionFailure } from './failures.ts'
import type { HeldLease, InboxRow, Ports, StreamRow } from './ports.ts'
import { toCommit, withoutErased } from './pull.ts'
import { CAREFUL, DEATHS } from './suspects.ts'
import { wakeFollowers } from './wake-followers.ts'

const BATCH = 200
const EVENT_BACKOFF = { baseMs: 2_000, capMs: 10 * 60_000 }
const EVENT_ATTEMPTS = 10
const OUTAGE_WAIT_MS = 30_000
const FETCHES = 3

/**
 * Turns the webhooks of a connection into changed records, oldest first. Polling and webhooks of one stream merge in the
 * change log: the same rule decides which state is newer. Null when somebody else does it.
 */
export async function readInbox(
  ports: Ports,
  connectionId: number,
  signal: AbortSignal,
): Promise<{ events: number } | null> {
  const lease = await ports.holdLease(`inbox:${connectionId}`)
  if (!lease) return null
  let events = 0
  try {
    const connection = await ports.ledger.readConnection(connectionId)
    if (connection?.state !== 'active' || (connection.waitUntil && connection.waitUntil > ports.clock.now()))
      return null
    const reader = new InboxReader(ports, connection, await ports.session(connection.name), signal)
    const stopped = (): boolean => signal.aborted || lease.signal.aborted
    if (lease.formerDied) {
      const batch = await ports.ledger.readInbox(connectionId, CAREFUL)
      const taken = await withUrgency('webhook', () => reader.takeCarefully(batch, lease, stopped))
      events += taken
      if (taken < batch.length) return { events }
    }
    for (;;) {
      const batch = await ports.ledger.readInbox(connectionId, BATCH)
      if (!batch.length) return { events }
      const taken = await withUrgency('webhook', () => reader.take(batch, stopped))
      events += taken
      if (taken < batch.length) return { events }
    }
  } finally {
    await lease.release()
  }
}

type Changes = Awaited<ReturnType<ConnectorSession['readEvent']>>
/** What an event says, read from its body. */
type Understood = { event: InboxRow; changes: Changes }

/** Works through batches of events: those that were received together are committed together, and settled with their batch. */
class InboxReader {
  readonly #ports: Ports
  readonly #connection: { id: number; name: string }
  readonly #session: ConnectorSession
  readonly #signal: AbortSignal
  readonly #streams = new Map<number, StreamRow>()
  #done: { event: InboxRow; stored: number }[] = []

  constructor(ports: Ports, connection: { id: number; name: string }, session: ConnectorSession, signal: AbortSignal) {
    this.#ports = ports
    this.#connection = connection
    this.#session = session
    this.#signal = signal
  }

  /**
   * Takes events in their order; gives how many. Fewer than there are when it was told to stop, or when the source cannot be
   * used now, so that the events after that one need not be tried.
   */
  async take(batch: InboxRow[], stopped: () => boolean): Promise<number> {
    const touched = new Set<number>()
    let taken = 0
    try {
      // Events of one commit have one time, and so one page can say for all of them when what they tell was true.
      for (const group of inGroups(batch)) {
        if (stopped()) break
        const count = await this.#takeGroup(group, touched)
        for (const streamId of touched) await wakeFollowers(this.#ports, streamId, { now: taken === 0 })
        taken += count
        if (count < group.length) break
      }
    } finally {
      await this.#settleDone()
    }
    for (const streamId of touched) await wakeFollowers(this.#ports, streamId, { now: true })
    return taken
  }

  /** After a death nobody knows which event it was over: each is noted before it is looked at, and set aside the third time. */
  async takeCarefully(batch: InboxRow[], lease: HeldLease, stopped: () => boolean): Promise<number> {
    const { ledger, alone } = this.#ports
    const touched = new Set<number>()
    let taken = 0
    for (const event of batch) {
      if (stopped()) break
      const goesOn = await alone.run(async () => {
        if ((await ledger.noteSuspect(lease, String(event.id))) >= DEATHS) return this.#setAside(event)
        const count = await this.#takeGroup([event], touched)
        await this.#settleDone()
        return count > 0
      })
      if (!goesOn) break
      taken++
    }
    await ledger.clearSuspect(lease)
    for (const streamId of touched) await wakeFollowers(this.#ports, streamId, { now: true })
    return taken
  }

  async #setAside(event: InboxRow): Promise<true> {
    const { id, name } = this.#connection
    const what = `The worker process ended ${DEATHS} times while it handled this webhook.`
    const error = new CausewayError('CSW-5015', { what })
    this.#ports.log.error({ connection: name, code: error.code }, 'a webhook that ends its worker')
    await this.#ports.ledger.buryEvent(event, id, error.toJSON(), fingerprintOf(error, name))
    return true
  }

  async #takeGroup(group: InboxRow[], touched: Set<number>): Promise<number> {
    const whole: Understood[] = []
    const others: { event: InboxRow; read: () => Changes }[] = []
    for (const event of group) {
      const read = await this.#read(event)
      const changes = 'error' in read ? undefined : read.changes
      if (event.replayTo === null && changes?.every(({ fetch }) => !fetch.length)) whole.push({ event, changes })
      else others.push({ event, read: () => changesOf(read) })
    }
    try {
      await this.#commitWhole(whole, touched)
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-6001' || whole.length < 2) throw error
      // One of them spoils the page: each is tried alone, and that one alone fails.
      others.unshift(...whole.map(({ event, changes }) => ({ event, read: () => changes })))
    }
    let taken = group.length - others.length
    for (const { event, read } of others) {
      if (!(await this.#takeAlone(event, read, touched))) return taken
      taken++
    }
    return taken
  }

  async #read({ headers, body, stream }: InboxRow): Promise<Read> {
    try {
      const parsed = parseExact(headers) as Record<string, string>
      return { changes: await this.#session.readEvent({ headers: parsed, body, stream, signal: this.#signal }) }
    } catch (error) {
      return { error }
    }
  }

  /** Commits the records that events hold: one transaction for all events of a group and stream. */
  async #commitWhole(group: Understood[], touched: Set<number>): Promise<void> {
    const first = group[0]
    if (!first) return
    const changes = group.flatMap((one) => one.changes)
    for (const [stream, ofStream] of Map.groupBy(changes, (change) => change.stream))
      await this.#commit(
        stream,
        ofStream.flatMap(({ records }) => records),
        // What the body of an event says was true when it was sent.
        first.event.receivedAt,
        touched,
      )
    for (const { event, changes } of group)
      this.#done.push({ event, stored: changes.reduce((sum, { records }) => sum + records.length, 0) })
  }

  /** False when the source cannot be used now. */
  async #takeAlone(event: InboxRow, read: () => Changes, touched: Set<number>): Promise<boolean> {
    const { ledger, clock } = this.#ports
    const signal = this.#signal
    try {
      let stored = 0
      for (const change of read()) {
        const { fetched, requestedAt } = await this.#fetchNow(change)
        const missing = change.fetch.filter((id) => !fetched.some((record) => record.id === id))
        const gone = missing.map((id): SourceRecord => ({ id, version: null, body: {}, deleted: true }))
        await this.#commit(change.stream, change.records, event.receivedAt, touched)
        // What we fetched is true now.
        await this.#commit(change.stream, [...fetched, ...gone], requestedAt, touched)
        stored += change.records.length + fetched.length + gone.length
        const records = [...change.records, ...fetched, ...gone]
        if (event.replayTo !== null) await this.#pushAgain(change.stream, records, event.replayTo, touched)
      }
      this.#done.push({ event, stored })
      return true
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-6001' || signal.aborted) throw error
      if (isConnectionFailure(error)) {
        await this.#putOff(event, error)
        return false
      }
      const last = error.reaction !== 'retry' || event.attempts + 1 >= EVENT_ATTEMPTS
      const waitMs = error.retryAfterMs ?? backoffMs(event.attempts + 1, EVENT_BACKOFF)
      const { id, name } = this.#connection
      const reason = JSON.stringify(error.toJSON())
      const nextAttemptAt = new Date(clock.now().getTime() + waitMs)
      if (last) await ledger.buryEvent(event, id, error.toJSON(), fingerprintOf(error, name))
      else await ledger.settleEvent(event, { state: 'pending', reason, nextAttemptAt })
      return true
    }
  }

  /**
   * Fetches the records that an event names. Where a pull committed a page meanwhile that was asked for later, what we hold may
   * be older than what it saw unchanged, so they are fetched once more.
   */
  async #fetchNow(change: {
    stream: string
    fetch: string[]
  }): Promise<{ fetched: SourceRecord[]; requestedAt: Date }> {
    const { ledger, clock } = this.#ports
    const streamId = this.#ports.model().streamId({ connection: this.#connection.name, stream: change.stream })
    for (let attempt = 1; ; attempt++) {
      const requestedAt = clock.now()
      if (!change.fetch.length) return { fetched: [], requestedAt }
      const fetched = await this.#session.fetch({ stream: change.stream, ids: change.fetch, signal: this.#signal })
      const row = streamId === undefined ? undefined : await ledger.readStream(streamId)
      const overtaken = row?.pageRequestedAt && row.pageRequestedAt > requestedAt
      if (!overtaken || attempt >= FETCHES || fetched.every((record) => record.version !== null))
        return { fetched, requestedAt }
    }
  }

  /** A replayed event lets its records go through the syncs once more, changed or not. */
  async #pushAgain(stream: string, records: SourceRecord[], to: number, touched: Set<number>): Promise<void> {
    const streamId = this.#ports.model().streamId({ connection: this.#connection.name, stream })
    if (streamId === undefined) return
    const syncs = this.#ports
      .model()
      .followers(streamId)
      .filter(({ row }) => row.fromStream === streamId && (to === 0 || row.id === to))
    await this.#ports.ledger.makeDue(
      syncs.map(({ row }) => row.id),
      records.map(({ id }) => id),
    )
    touched.add(streamId)
  }

  /** However long the source is away, that costs an event none of its attempts. */
  async #putOff(event: InboxRow, error: CausewayError): Promise<void> {
    const waitMs = error.retryAfterMs ?? OUTAGE_WAIT_MS
    await this.#ports.ledger.settleEvent(event, {
      state: 'pending',
      reason: JSON.stringify(error.toJSON()),
      nextAttemptAt: new Date(this.#ports.clock.now().getTime() + waitMs),
      free: true,
    })
    await noteConnectionFailure(this.#ports, this.#connection.id, error, waitMs)
  }

  async #commit(stream: string, records: SourceRecord[], requestedAt: Date, touched: Set<number>): Promise<void> {
    const { ledger } = this.#ports
    const streamId = this.#ports.model().streamId({ connection: this.#connection.name, stream })
    if (streamId === undefined || !records.length) return
    const row = this.#streams.get(streamId) ?? (await ledger.readStream(streamId))!
    this.#streams.set(streamId, row)
    const page = { records, rejected: [], requestedAt }
    withoutErased(this.#ports, page, {})
    const result = await ledger.commitPage(toCommit(page, row, null))
    if (result.changed.length) touched.add(streamId)
  }

  /** Whoever dies before this reads the same events again, which changes nothing. */
  async #settleDone(): Promise<void> {
    const done = this.#done
    this.#done = []
    await this.#ports.ledger.settleEvents(
      done.map(({ event, stored }) => ({
        event,
        state: stored ? ('done' as const) : ('skipped' as const),
        reason: stored ? `${stored} records` : 'the event concerns no stream that is synced',
      })),
    )
  }
}

type Read = { changes: Changes } | { error: unknown }

function changesOf(read: Read): Changes {
  if ('error' in read) throw read.error
  return read.changes
}

function inGroups(batch: InboxRow[]): InboxRow[][] {
  const groups: InboxRow[][] = []
  for (const event of batch) {
    const last = groups.at(-1)
    if (last?.[0]?.receivedAt.getTime() === event.receivedAt.getTime()) last.push(event)
    else groups.push([event])
  }
  return groups
}
