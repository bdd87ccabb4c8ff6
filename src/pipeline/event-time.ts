import type { ConnectorSession, EventChange, SourceRecord } from '../connector/index.ts'
import { CausewayError, parseExact } from '../core/index.ts'
import { AS_OF, type InboxRow, type Ports } from './ports.ts'

/** When what an event says was true: when it came, or the event whose id it has. */
export function trueAt({ receivedAt, headers }: InboxRow): Date {
  if (!headers.includes(AS_OF)) return receivedAt
  const at = (parseExact(headers) as Record<string, string>)[AS_OF]
  return at === undefined ? receivedAt : new Date(at)
}

/** Systems tell of a record before all of their servers have it. */
const ABSENT_LOOK_MS = 3_000

/** A record that an event names and that is not there is asked for once more before it counts as deleted. */
export function lookAgain(now: Date) {
  const what = 'a record that the event names is not there, and is asked for once more'
  const reason = JSON.stringify(new CausewayError('CSW-3009', { what }).toJSON())
  return { state: 'pending' as const, reason, nextAttemptAt: new Date(now.getTime() + ABSENT_LOOK_MS) }
}

/** Events that are read this soon need not be held against the pulls: it would cost each of them a query. */
const LATE_MS = 1_000

const FETCHES = 3

/** What the source says now, for the events of one batch that do not tell it themselves. */
export class SourceNow {
  readonly #ports: Ports
  readonly #connection: string
  readonly session: ConnectorSession
  readonly #signal: AbortSignal
  /** When the last page of a stream was asked for, as long as the batch is worked on. */
  readonly #pulled = new Map<number, Promise<Date | null>>()

  constructor(ports: Ports, connection: string, session: ConnectorSession, signal: AbortSignal) {
    this.#ports = ports
    this.#connection = connection
    this.session = session
    this.#signal = signal
  }

  /**
   * The changes of an event, with what is not to be taken from its body among what is fetched. Of events that are read late (set aside, their
   * connection paused): a record without a version that was as a pull had seen it, then as the event says, and then as before, looked
   * unchanged to the next pull. The event would bring its old state back, and no pull would see a change after that. So where a pull has read
   * the stream since, the record is asked for.
   */
  async doubted(event: InboxRow, changes: EventChange[]): Promise<EventChange[]> {
    const at = trueAt(event)
    if (this.#ports.clock.now().getTime() - at.getTime() < LATE_MS) return changes
    return Promise.all(changes.map((change) => this.#doubted(change, at)))
  }

  async #doubted(change: EventChange, at: Date): Promise<EventChange> {
    const loose = change.records.filter(({ version }) => version === null)
    if (!loose.length || this.session.streams.get(change.stream)?.abilities.byId === false) return change
    const id = this.#streamId(change.stream)
    const pulled = id === undefined ? null : await this.#pulledAt(id)
    if (!pulled || pulled <= at) return change
    const records = change.records.filter(({ version }) => version !== null)
    return { ...change, records, fetch: [...new Set([...change.fetch, ...loose.map((record) => record.id)])] }
  }

  #streamId(stream: string): number | undefined {
    return this.#ports.model().streamId({ connection: this.#connection, stream })
  }

  #pulledAt(id: number): Promise<Date | null> {
    const known = this.#pulled.get(id)
    if (known) return known
    const asked = this.#ports.ledger.readStream(id).then((row) => row?.pageRequestedAt ?? null)
    this.#pulled.set(id, asked)
    return asked
  }

  /**
   * Fetches the records that an event names. Where a pull committed a page meanwhile that was asked for later, what we hold may
   * be older than what it saw unchanged, so they are fetched once more.
   */
  async fetchNow({
    stream,
    fetch: ids,
  }: Pick<EventChange, 'stream' | 'fetch'>): Promise<{ fetched: SourceRecord[]; requestedAt: Date }> {
    const { ledger, clock } = this.#ports
    const streamId = this.#streamId(stream)
    for (let attempt = 1; ; attempt++) {
      const requestedAt = clock.now()
      if (!ids.length) return { fetched: [], requestedAt }
      const fetched = await this.session.fetch({ stream, ids, signal: this.#signal })
      const row = streamId === undefined ? undefined : await ledger.readStream(streamId)
      const overtaken = row?.pageRequestedAt && row.pageRequestedAt > requestedAt
      if (!overtaken || attempt >= FETCHES || fetched.every((record) => record.version !== null))
        return { fetched, requestedAt }
    }
  }
}
