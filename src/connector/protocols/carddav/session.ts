/** An open connection to a CardDAV server. */
import { asCausewayError, CausewayError, type JsonObject } from '../../../core/index.ts'
import type {
  LookupRequest,
  LookupResult,
  Page,
  ReadRequest,
  RejectedRecord,
  SourceRecord,
  WriteItem,
  WriteOutcome,
  WriteRequest,
} from '../../contract.ts'
import { asText } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { failedOutcome } from '../../parts/outcome.ts'
import { chunksOf, inPool } from '../../parts/pool.ts'
import { probeHttp } from '../../parts/probe.ts'
import { onSameOrigin } from '../../parts/request.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import { CardDavClient, decodedName, type StoredCard, type Writing } from './client.ts'
import type { CardDavConnector, CardDavStream } from './fields.ts'
import { changedCard, newCard, readCard } from './vcard.ts'

/** Properties by which cards are found, with the field that holds them. */
const LOOKUPS: Record<string, string> = { uid: 'UID', email: 'EMAIL', fn: 'FN' }
/** Read, change, write: so often when somebody else writes the same card at the same time. */
const ATTEMPTS = 3
const LOOKUP_BATCH = 20

/** What is stored between pulls, and within one: the token it began with, the next one, and the last address read. */
type Cursor = { token: string | null; pass: { from: string | null; next: string; after: string } | null }

export class CardDavSession implements ProtocolSession {
  private readonly context: ProtocolContext<CardDavConnector, CardDavStream>
  private readonly http: HttpConnection
  private readonly client: CardDavClient
  private readonly books = new Map<string, Promise<string>>()

  constructor(context: ProtocolContext<CardDavConnector, CardDavStream>, http: HttpConnection) {
    this.context = context
    this.http = http
    this.client = new CardDavClient(http)
  }

  async *read({ stream: name, mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
    const stream = this.stream(name)
    const book = await this.book(stream, signal)
    if (!stream.spec.sync) yield* this.everything(stream, book, signal)
    else yield* this.changes(stream, book, startOf(cursor, mode), signal)
  }

  /** Changes since a token, page by page; from the beginning where there is none, or the server has forgotten it. */
  private async *changes(
    stream: StreamSpec<CardDavStream>,
    book: string,
    start: Cursor,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    let from = start.pass?.from ?? (start.pass ? null : start.token)
    let pass = start.pass
    for (;;) {
      let changes = await this.client.changes(book, from, signal)
      if (changes === 'expired') {
        ;[from, pass] = [null, null]
        changes = await this.client.changes(book, null, signal)
        if (changes === 'expired') throw new CausewayError('CSW-3007', { what: 'The server refuses to begin a sync.' })
      }
      // A pass that goes on keeps the token of its beginning: what changed since on pages already read comes again.
      const next = pass?.next ?? changes.token
      const after = pass?.after ?? ''
      const present = changes.present.filter((href) => href > after).sort()
      const deleted = changes.gone.map(
        (href): SourceRecord => ({ id: decodedName(href), version: null, body: {}, deleted: true }),
      )
      const chunks = chunksOf(present, stream.spec.page_size)
      for (const [i, hrefs] of (chunks.length ? chunks : [[]]).entries()) {
        const last = i >= chunks.length - 1
        const { records, rejected, requestedAt } = await this.page(stream, book, hrefs, changes.requestedAt, signal)
        const ended = { token: next }
        const going = { token: start.token, pass: { from, next, after: hrefs.at(-1) ?? after } }
        yield {
          records: i === 0 ? [...deleted, ...records] : records,
          rejected,
          cursor: last ? ended : going,
          requestedAt,
          last: last && !changes.truncated,
        }
      }
      if (!changes.truncated) return
      if (next === from)
        throw new CausewayError('CSW-2006', {
          what: `Reading ${stream.name} does not get on: the same token came a second time.`,
        })
      ;[from, pass] = [next, null]
    }
  }

  private async *everything(
    stream: StreamSpec<CardDavStream>,
    book: string,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    const chunks = chunksOf((await this.client.list(book, signal)).sort(), stream.spec.page_size)
    for (const [i, hrefs] of (chunks.length ? chunks : [[]]).entries()) {
      const page = await this.page(stream, book, hrefs, this.context.clock.now(), signal)
      yield { ...page, cursor: {}, last: i >= chunks.length - 1 }
    }
  }

  private async page(
    stream: StreamSpec<CardDavStream>,
    book: string,
    hrefs: string[],
    listedAt: Date,
    signal: AbortSignal,
  ): Promise<{ records: SourceRecord[]; rejected: RejectedRecord[]; requestedAt: Date }> {
    const cards = await this.client.cards(book, hrefs, signal)
    const made = cards.map((card) => this.record(stream, card))
    return {
      records: made.filter((one) => !isRejected(one)) as SourceRecord[],
      rejected: made.filter(isRejected),
      requestedAt: cards[0]?.requestedAt ?? listedAt,
    }
  }

  private record(stream: StreamSpec<CardDavStream>, { href, etag, text }: StoredCard): SourceRecord | RejectedRecord {
    const id = decodedName(href)
    try {
      const made = stream.toRecord({ id, etag, ...readCard(text) }, id)
      return etag === null || isRejected(made) ? made : { ...made, condition: etag }
    } catch (error) {
      return { body: { id }, error: asCausewayError(error) }
    }
  }

  async fetch({
    stream: name,
    ids,
    signal,
  }: {
    stream: string
    ids: string[]
    signal: AbortSignal
  }): Promise<SourceRecord[]> {
    const stream = this.stream(name)
    const book = await this.book(stream, signal)
    const found = await inPool(
      chunksOf([...new Set(ids)], stream.spec.page_size),
      this.http.limits.concurrent,
      (chunk) =>
        this.client.cards(
          book,
          chunk.map((id) => new URL(urlOf(book, id)).pathname),
          signal,
        ),
    )
    return found.flat().map((card) => this.whole(stream, card))
  }

  async lookup({ stream: name, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const stream = this.stream(name)
    const book = await this.book(stream, signal)
    const result: LookupResult = new Map()
    const pages = await inPool(chunksOf(values, LOOKUP_BATCH), this.http.limits.concurrent, (chunk) =>
      this.client.query(book, LOOKUPS[field]!, chunk, signal),
    )
    for (const card of pages.flat()) {
      const record = this.whole(stream, card)
      // Servers differ in what they call equal; an address or name may be written in any case.
      const held = new Set(heldBy(record.body, field).map(folded))
      for (const value of values) {
        if (!held.has(folded(value))) continue
        const known = result.get(value) ?? []
        if (!known.some(({ id }) => id === record.id)) result.set(value, [...known, record])
      }
    }
    return result
  }

  /** A card that was asked for by name must not look like one that does not exist. */
  private whole(stream: StreamSpec<CardDavStream>, card: StoredCard): SourceRecord {
    const made = this.record(stream, card)
    if (isRejected(made)) throw made.error
    return made
  }

  async write({ stream: name, operation, items, signal, onExchange, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    const stream = this.stream(name)
    const book = await this.book(stream, signal)
    const options: Writing = { signal, ...(onExchange ? { onExchange } : {}), ...(maySend ? { maySend } : {}) }
    return inPool(items, this.http.limits.concurrent, async (item) => {
      try {
        if (operation === 'create') return await this.create(book, item, options)
        if (operation === 'update') return await this.update(book, item, options)
        await this.client.remove(urlOf(book, item.id!), item.ifVersion ?? null, options)
        return { ref: item.ref, status: 'written', id: item.id! }
      } catch (error) {
        return failedOutcome(item.ref, asCausewayError(error))
      }
    })
  }

  private async create(book: string, item: WriteItem, options: Writing): Promise<WriteOutcome> {
    const { text, uid } = newCard(item.values, item.idempotencyKey)
    const id = `${uid}.vcf`
    const etag = await this.client.put(urlOf(book, id), text, 'new', options)
    return { ref: item.ref, status: 'written', id, ...(etag === null ? {} : { version: etag }) }
  }

  /** Reads the card, changes what is given, and writes it where it is still the same. */
  private async update(book: string, item: WriteItem, options: Writing): Promise<WriteOutcome> {
    const url = urlOf(book, item.id!)
    for (let attempt = 1; ; attempt++) {
      const [card] = await this.client.cards(book, [new URL(url).pathname], options.signal)
      if (!card) throw new CausewayError('CSW-3009', { what: 'The card does not exist there any more.' })
      if (item.ifVersion !== undefined && card.etag !== item.ifVersion)
        throw new CausewayError('CSW-3013', { what: 'The card changed in the target since it was read.' })
      try {
        const etag = await this.client.put(url, changedCard(card.text, item.values), card.etag, options)
        return { ref: item.ref, status: 'written', id: item.id!, ...(etag === null ? {} : { version: etag }) }
      } catch (error) {
        const changed = error instanceof CausewayError && error.code === 'CSW-3013'
        if (!changed || item.ifVersion !== undefined || attempt === ATTEMPTS) throw error
      }
    }
  }

  content(): Promise<never> {
    return Promise.reject(new CausewayError('CSW-2003', { what: 'Cards have no content to download.' }))
  }

  probe(signal: AbortSignal) {
    return probeHttp(this.http, this.context.outbound, signal, async () => {
      const found: string[] = []
      for (const stream of this.context.streams.values()) found.push(decodedName(await this.book(stream, signal)))
      return `address books: ${found.join(', ')}`
    })
  }

  async close(): Promise<void> {}

  private stream(name: string): StreamSpec<CardDavStream> {
    return this.context.streams.get(name)!
  }

  /** The address of a stream's book, found once per connection. */
  private book(stream: StreamSpec<CardDavStream>, signal: AbortSignal): Promise<string> {
    const known = this.books.get(stream.name)
    if (known) return known
    const name = stream.spec.book?.evaluate({ settings: this.context.settings })
    const found = this.client.book(name === undefined || name === null || name === '' ? null : asText(name), signal)
    this.books.set(stream.name, found)
    found.catch(() => this.books.delete(stream.name))
    return found
  }
}

/** The address of a card. An id that would lead out of the book is refused. */
function urlOf(book: string, id: string): string {
  if (id === '' || id === '.' || id === '..' || !id.isWellFormed())
    throw new CausewayError('CSW-2007', { what: 'An id cannot be the address of a card.' })
  return onSameOrigin(encodeURIComponent(id), book)
}

/** A full read ignores the token, but goes on with a full pass that broke off. */
function startOf(cursor: JsonObject | null, mode: 'full' | 'incremental'): Cursor {
  const { token, pass } = (cursor ?? {}) as Partial<Cursor>
  const under = pass && typeof pass.next === 'string' && (mode === 'incremental' || pass.from === null) ? pass : null
  return { token: mode === 'incremental' && typeof token === 'string' ? token : null, pass: under }
}

function heldBy(body: JsonObject, field: string): string[] {
  if (field === 'email') return (body.emails as { value: string }[]).map(({ value }) => value)
  return typeof body[field] === 'string' ? [body[field]] : []
}

const folded = (text: string): string => text.trim().toLowerCase()
