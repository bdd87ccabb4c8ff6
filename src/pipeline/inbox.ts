import type { ConnectorSession, EventChange, SourceRecord } from '../connector/index.ts'
import {
  asCausewayError,
  backoffMs,
  CausewayError,
  inSpan,
  parseExact,
  type Span,
  startSpan,
  validTraceparent,
  withUrgency,
} from '../core/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { lookAgain, SourceNow, trueAt } from './event-time.ts'
import { fingerprintOf, isConnectionFailure } from './failures.ts'
import type { HeldLease, HubModel, InboxRow, Ports, StreamRow } from './ports.ts'
import { keepFresh, toCommit, together, withoutErased } from './pull.ts'
import { CAREFUL, isEnough } from './suspects.ts'
import { Touched } from './touched.ts'
import { ofTrace } from './traces.ts'
import { callFollowers } from './wake-followers.ts'

const BATCH = 200
const EVENT_BACKOFF = { baseMs: 2_000, capMs: 10 * 60_000 }
const EVENT_ATTEMPTS = 10
const OUTAGE_WAIT_MS = 30_000

/** How long an empty inbox is held, so that the next webhook finds a reader that is ready. */
const REST_MS = 1_000

/**
 * Turns the webhooks of a connection into changed records, oldest first. Polling and webhooks of one stream merge in the
 * change log: the same rule decides which state is newer. Null when the connection may not be used now.
 * `rest` waits for more events with all that the reader holds, and is false when it should end.
 */
export async function readInbox(
  ports: Ports,
  connectionId: number,
  signal: AbortSignal,
  rest: (ms: number) => Promise<boolean> = async () => false,
): Promise<{ events: number } | 'elsewhere' | null> {
  const lease = await ports.holdLease(`inbox:${connectionId}`)
  if (!lease) return 'elsewhere'
  const stopped = (): boolean => signal.aborted || lease.signal.aborted
  let events = 0
  let reader: InboxReader | undefined
  let careful = lease.formerDied
  try {
    if (careful) await ports.alone.settled(AbortSignal.any([signal, lease.signal]))
    for (;;) {
      const [connection, batch] = await Promise.all([
        ports.ledger.readConnection(connectionId),
        ports.ledger.readInbox(connectionId, careful ? CAREFUL : BATCH),
      ])
      if (connection?.state !== 'active' || (connection.waitUntil && connection.waitUntil > ports.clock.now()))
        return null
      if (!batch.length) {
        if (stopped() || !(await rest(REST_MS))) return { events }
        continue
      }
      if (!reader?.fits()) reader = new InboxReader(ports, connection, signal)
      const take = (): Promise<number> =>
        careful ? reader!.takeCarefully(batch, lease, stopped) : reader!.take(batch, stopped)
      const taken = await withUrgency('webhook', take)
      careful = false
      events += taken
      if (taken < batch.length) return { events }
    }
  } finally {
    await lease.release()
  }
}

type Changes = EventChange[]
/** What an event says, read from its body, and the span in which it is worked on. */
type Understood = { event: InboxRow; changes: Changes; span: Span | undefined }

/** Works through batches of events: those that hold their records are committed together, and settled with their batch. */
class InboxReader {
  readonly #ports: Ports
  readonly #model: HubModel
  readonly #connection: { id: number; name: string }
  readonly #signal: AbortSignal
  readonly #streams = new Map<number, StreamRow>()
  #done: { event: InboxRow; stored: number; pulls: boolean; span: Span | undefined }[] = []

  constructor(ports: Ports, connection: { id: number; name: string }, signal: AbortSignal) {
    this.#ports = ports
    this.#model = ports.model()
    this.#connection = connection
    this.#signal = signal
  }

  /** False when the files changed since. */
  fits(): boolean {
    return this.#ports.model() === this.#model
  }

  /**
   * Takes events in their order; gives how many. Fewer than there are when it was told to stop, or when the source cannot be
   * used now, so that the events after that one need not be tried.
   */
  async take(batch: InboxRow[], stopped: () => boolean): Promise<number> {
    const touched = new Touched()
    try {
      return await this.#take(batch, touched, stopped)
    } finally {
      await this.#settleDone()
    }
  }

  /** After a death nobody knows which event it was over: each is noted before it is looked at, and set aside the third time. */
  async takeCarefully(batch: InboxRow[], lease: HeldLease, stopped: () => boolean): Promise<number> {
    const { ledger, alone } = this.#ports
    const touched = new Touched()
    let taken = 0
    for (const event of batch) {
      if (stopped()) break
      const goesOn = await alone.run(async () => {
        const starts = await ledger.noteSuspect(lease, String(event.id))
        if (await isEnough(starts, this.#ports)) return this.#setAside(event, starts)
        const count = await this.#take([event], touched, stopped)
        await this.#settleDone()
        return count > 0
      })
      if (!goesOn) break
      taken++
    }
    await ledger.clearSuspect(lease)
    return taken
  }

  /** What is copied from an event into its letter stands there as it stands in the inbox. */
  #letterOf(event: InboxRow): InboxRow & { sealed: boolean } {
    return { ...event, sealed: this.#model.keepsPartOf(this.#connection.name) }
  }

  async #setAside(event: InboxRow, deaths: number): Promise<true> {
    const { id, name } = this.#connection
    const what = `The worker process ended ${deaths} times while it handled this webhook.`
    const error = new CausewayError('CSW-5015', { what })
    this.#ports.log.error({ connection: name, code: error.code }, 'a webhook that ends its worker')
    await this.#ports.ledger.buryEvent(this.#letterOf(event), id, error.toJSON(), fingerprintOf(error, name))
    return true
  }

  async #take(batch: InboxRow[], touched: Touched, stopped: () => boolean): Promise<number> {
    const session = await this.#ports.session(this.#connection.name)
    const source = new SourceNow(this.#ports, this.#connection.name, session, this.#signal)
    let whole: Understood[] = []
    let taken = 0
    /** False when the source cannot be used now. */
    const flush = async (): Promise<boolean> => {
      const count = await this.#takeWhole(whole, source, touched)
      taken += count
      const all = count === whole.length
      whole = []
      await this.#tell(touched)
      return all
    }
    for (const event of batch) {
      if (stopped()) break
      const read = await this.#read(event, session, source)
      const changes = 'error' in read ? undefined : read.changes
      const { span } = read
      if (event.replayTo === null && changes?.every(({ fetch }) => !fetch.length)) whole.push({ event, changes, span })
      else {
        if (!(await flush())) return taken
        if (!(await this.#takeAlone(event, () => changesOf(read), source, touched, span))) return taken
        taken++
        await this.#tell(touched)
      }
    }
    await flush()
    return taken
  }

  async #tell(touched: Touched): Promise<void> {
    for (const [streamId, ids] of touched.empty()) await callFollowers(this.#ports, streamId, ids)
  }

  async #takeWhole(whole: Understood[], source: SourceNow, touched: Touched): Promise<number> {
    try {
      await this.#commitWhole(whole, touched)
      return whole.length
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-6001') throw error
      // One of them spoils the page: each is tried alone, and that one alone is put off or set aside, with its reason.
      let taken = 0
      for (const { event, changes, span } of whole) {
        if (!(await this.#takeAlone(event, () => changes, source, touched, span))) break
        taken++
      }
      return taken
    }
  }

  async #read(event: InboxRow, session: ConnectorSession, source: SourceNow): Promise<Read> {
    const { body, stream, fault } = event
    if (fault) return { error: fault, span: undefined }
    let span: Span | undefined
    try {
      const headers = parseExact(event.headers) as Record<string, string>
      span = this.#spanOf(headers.traceparent)
      const read = { headers, body, stream, signal: this.#signal }
      const changes = await inSpan(span, () => session.readEvent(read))
      return { changes: await source.doubted(event, changes), span }
    } catch (error) {
      return { error, span }
    }
  }

  #spanOf(traceparent: string | undefined): Span | undefined {
    const parent = validTraceparent(traceparent)
    const attributes = { 'causeway.connection': this.#connection.name }
    return startSpan('read webhook', { attributes, ...(parent === undefined ? {} : { parent }) })
  }

  /** Commits the records that events hold: one transaction per stream. What an event says was true when it was sent. */
  async #commitWhole(whole: Understood[], touched: Touched): Promise<void> {
    const changes = whole.flatMap(({ event, changes, span }) =>
      changes.map(({ stream, records }) => ({ stream, records, requestedAt: trueAt(event), span })),
    )
    for (const [stream, pages] of Map.groupBy(changes, (change) => change.stream))
      await this.#commit(stream, pages, touched)
    await this.#makeDue(whole.flatMap(({ changes }) => changes))
    for (const { event, changes, span } of whole)
      this.#done.push({
        event,
        span,
        stored: changes.reduce((sum, { records }) => sum + records.length, 0),
        pulls: this.#toPull(changes).length > 0,
      })
  }

  /** Streams of which events say only that something changed. */
  #toPull(changes: Changes): number[] {
    const names = new Set(changes.flatMap(({ stream, pull }) => (pull ? stream : [])))
    const { name: connection } = this.#connection
    return [...names].flatMap((stream) => this.#model.streamId({ connection, stream }) ?? [])
  }

  /** Their pulls are due before the events are settled; whoever dies in between leaves something that a sweep finds. */
  async #makeDue(changes: Changes): Promise<void> {
    const streams = this.#toPull(changes)
    if (!streams.length) return
    const { ledger, queue } = this.#ports
    for (const { id, inMs } of await ledger.makePullDue(streams))
      await queue.wake('pull', String(id), { delayMs: inMs })
  }

  /** False when the source cannot be used now. */
  async #takeAlone(
    event: InboxRow,
    read: () => Changes,
    source: SourceNow,
    touched: Touched,
    span: Span | undefined,
  ): Promise<boolean> {
    const { ledger, clock } = this.#ports
    const signal = this.#signal
    try {
      let stored = 0
      let absent = false
      const changes = read()
      await this.#makeDue(changes)
      for (const change of changes) {
        const { fetched, requestedAt } = await inSpan(span, () => source.fetchNow(change))
        const missing = change.fetch.filter((id) => !fetched.some((record) => record.id === id))
        absent ||= missing.length > 0 && event.attempts === 0
        const gone = absent ? [] : missing.map((id): SourceRecord => ({ id, version: null, body: {}, deleted: true }))
        await this.#commit(change.stream, [{ records: change.records, requestedAt: trueAt(event), span }], touched)
        // What we fetched is true now.
        await this.#commit(change.stream, [{ records: [...fetched, ...gone], requestedAt, span }], touched)
        stored += change.records.length + fetched.length + gone.length
        const records = [...change.records, ...fetched, ...gone]
        if (event.replayTo !== null) await this.#pushAgain(change.stream, records, event.replayTo, touched)
      }
      if (absent) await ledger.settleEvent(event, lookAgain(clock.now()))
      else this.#done.push({ event, stored, pulls: this.#toPull(changes).length > 0, span })
      return true
    } catch (thrown) {
      const error = asCausewayError(thrown)
      span?.end(error)
      if (error.code === 'CSW-6001' || signal.aborted) throw error
      if (isConnectionFailure(error)) {
        await this.#putOff(event, error, source.session)
        return false
      }
      const last = error.reaction !== 'retry' || event.attempts + 1 >= EVENT_ATTEMPTS
      const waitMs = error.retryAfterMs ?? backoffMs(event.attempts + 1, EVENT_BACKOFF)
      const { id, name } = this.#connection
      const reason = JSON.stringify(error.toJSON())
      const nextAttemptAt = new Date(clock.now().getTime() + waitMs)
      if (last) await ledger.buryEvent(this.#letterOf(event), id, error.toJSON(), fingerprintOf(error, name))
      else await ledger.settleEvent(event, { state: 'pending', reason, nextAttemptAt })
      return true
    }
  }

  /** A replayed event lets its records go through the syncs once more, changed or not. */
  async #pushAgain(stream: string, records: SourceRecord[], to: number, touched: Touched): Promise<void> {
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
    touched.add(streamId, records)
  }

  /** However long the source is away, that costs an event none of its attempts. */
  async #putOff(event: InboxRow, error: CausewayError, session: ConnectorSession): Promise<void> {
    const waitMs = error.retryAfterMs ?? OUTAGE_WAIT_MS
    await this.#ports.ledger.settleEvent(event, {
      state: 'pending',
      reason: JSON.stringify(error.toJSON()),
      nextAttemptAt: new Date(this.#ports.clock.now().getTime() + waitMs),
      free: true,
    })
    await noteConnectionFailure(this.#ports, this.#connection.id, error, waitMs, session)
  }

  async #commit(
    stream: string,
    pages: { records: SourceRecord[]; requestedAt: Date; span: Span | undefined }[],
    touched: Touched,
  ): Promise<void> {
    const { ledger } = this.#ports
    const streamId = this.#ports.model().streamId({ connection: this.#connection.name, stream })
    if (streamId === undefined || pages.every(({ records }) => !records.length)) return
    const row = this.#streams.get(streamId) ?? (await ledger.readStream(streamId))!
    this.#streams.set(streamId, row)
    const commits = pages.map((page) => {
      const kept = { ...page, rejected: [] }
      withoutErased(this.#ports, kept, {})
      return ofTrace(toCommit(kept, row, null), page.span)
    })
    const commit = together(commits)
    const { changed } = await ledger.commitPage(commit)
    keepFresh(this.#ports, streamId, commit.records, changed)
    if (changed.length) touched.add(streamId, changed)
  }

  /** Whoever dies before this reads the same events again, which changes nothing. */
  async #settleDone(): Promise<void> {
    const done = this.#done
    this.#done = []
    // The bytes of an event may hold anything: where a stream of the connection is not kept in full, they go.
    const forget = this.#model.keepsPartOf(this.#connection.name)
    await this.#ports.ledger.settleEvents(
      done.map(({ event, stored, pulls }) => ({
        event,
        state: stored || pulls ? ('done' as const) : ('skipped' as const),
        reason: stored
          ? `${stored} records`
          : pulls
            ? 'it makes a pull due'
            : 'the event concerns no stream that is synced',
        forget,
      })),
    )
    for (const { span, stored } of done) {
      span?.note({ 'causeway.records': stored })
      span?.end()
    }
  }
}

type Read = ({ changes: Changes } | { error: unknown }) & { span: Span | undefined }

function changesOf(read: Read): Changes {
  if ('error' in read) throw read.error
  return read.changes
}
