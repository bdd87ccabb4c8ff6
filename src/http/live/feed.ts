import {
  comparePlaces,
  type Database,
  type FeedPart,
  type FeedPlace,
  placeText,
  readFeed,
  readFeedEnd,
} from '../../store/views/index.ts'

export type FeedTimes = {
  /** Between two looks at the feed while nothing happens. */
  quietMs: number
  /** The same after something happened: pages ask for what they show after each message. */
  busyMs: number
  /** Between two ticks. */
  tickMs: number
  /** How long an answer serves other pages that heard the same. */
  shareMs: number
}
export const FEED_TIMES: FeedTimes = { quietMs: 1_000, busyMs: 3_000, tickMs: 10_000, shareMs: 5_000 }

/** Rows held in memory for pages that were away; those who were away for longer begin anew. */
const KEPT = 5_000
const PART = 1_000
/** Written at once. Far below what a reader may leave unread, so that who comes back again and again gets some more each time. */
const TOGETHER = 100

/** Who reads along. `write` must not wait, and says whether more can follow. */
export type Reader = { write(text: string): boolean; end(): void }

type Held = { place: FeedPlace; text: string }

/**
 * Reads the feed of the ledger once for everybody who follows it here: however many pages are open, the database is asked the same
 * question as for one, and none while there is no page. A tick goes out every ten seconds, for what changes without an event.
 */
export class Feed {
  readonly #database: Database
  readonly #times: FeedTimes
  readonly #readers = new Map<Reader, FeedPlace>()
  #held: Held[] = []
  /** Everything up to here was read. Null: nobody reads, so nothing is held. */
  #reached: FeedPlace | null = null
  #horizon = 0n
  #reading: Promise<boolean> | undefined
  #timer: NodeJS.Timeout | undefined
  #nextTick = 0
  #closed = false

  constructor(database: Database, times: FeedTimes) {
    this.#database = database
    this.#times = times
  }

  /**
   * Lets somebody read along who has seen everything up to `from`; without it, from now on. What they missed is written at once, or `reset`
   * where that is not known any more. Throws where the database does not answer.
   */
  async join(reader: Reader, from: FeedPlace | undefined): Promise<void> {
    // Another process may have been further.
    if (from && this.#reached && comparePlaces(from, this.#reached) > 0) await this.#read()
    while (this.#reached === null) await this.#read()
    // A look may see less than the one before it: whose session ended in that moment counts as ours.
    if (from && from.xid > this.#horizon) await this.#read()
    if (this.#closed) return reader.end()
    const oldest = this.#held[0]?.place
    // The place of another database, or of too long ago.
    const isLost = from && (from.xid > this.#horizon || (oldest && comparePlaces(from, oldest) < 0))
    const place = from && !isLost ? from : this.#reached
    this.#readers.set(reader, place)
    if (!this.#send(reader, message(isLost ? 'reset' : 'ready', place, '{}'))) return
    this.#write(reader, after(this.#held, place))
    // It may have hung up meanwhile; a turn without readers would be the last.
    if (this.#readers.size > 0) this.#timer ??= this.#wait(this.#times.quietMs)
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    // What happens from now on is read when somebody comes.
    if (!this.#reading) this.#forget()
  }

  /** Ends all readers; they come back to another process, or when this one is there again. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const reader of this.#readers.keys()) reader.end()
    this.#readers.clear()
  }

  #forget(): void {
    this.#reached = null
    this.#held = []
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#turn(), ms).unref()
  }

  async #turn(): Promise<void> {
    const turn = this.#timer
    // While the database is away pages hear ticks only, and find out by what they ask for.
    const isBusy = await this.#read().catch(() => false)
    if (this.#closed || this.#readers.size === 0) return
    const now = performance.now()
    if (now >= this.#nextTick) {
      this.#nextTick = now + this.#times.tickMs
      const tick = `event: tick\ndata: {"at":"${new Date().toISOString()}"}\n\n`
      for (const reader of this.#readers.keys()) this.#send(reader, tick)
    }
    // The last one may have left meanwhile, and another one come, who began turns anew.
    if (this.#timer === turn) this.#timer = this.#wait(isBusy ? this.#times.busyMs : this.#times.quietMs)
  }

  /** Reads what is new, once for all who ask meanwhile, and hands it out. Gives whether there was anything. */
  #read(): Promise<boolean> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readOn(): Promise<boolean> {
    if (this.#reached === null) {
      this.#take(await readFeedEnd(this.#database, KEPT), KEPT)
      return false
    }
    let isBusy = false
    for (;;) {
      const part = await readFeed(this.#database, this.#reached, PART)
      const news = this.#take(part, PART)
      isBusy ||= news.length > 0
      for (const [reader, place] of this.#readers)
        if (news.length) this.#write(reader, comparePlaces(place, news[0]!.place) < 0 ? news : after(news, place))
      if (part.rows.length < PART) return isBusy
    }
  }

  #take(part: FeedPart, limit: number): Held[] {
    const news = part.rows.map(({ place, at, kind, about }) => ({
      place,
      text: message(kind, place, `{"at":"${at.toISOString()}","about":${about}}`),
    }))
    this.#held.push(...news)
    if (this.#held.length > KEPT) this.#held.splice(0, this.#held.length - KEPT)
    // A server that lost the end of its log gives numbers once more.
    const isBehind = part.end < this.#horizon
    if (part.horizon > this.#horizon || isBehind) this.#horizon = part.horizon
    // All rows below the horizon were read, unless the part was full.
    const place = limit === PART && news.length === limit ? news.at(-1)!.place : { xid: part.horizon, id: 0n }
    if (this.#reached === null || isBehind || comparePlaces(place, this.#reached) > 0) this.#reached = place
    return news
  }

  #write(reader: Reader, news: Held[]): void {
    for (let from = 0; from < news.length; from += TOGETHER) {
      const some = news.slice(from, from + TOGETHER)
      if (!this.#send(reader, some.map(({ text }) => text).join(''))) return
      this.#readers.set(reader, some.at(-1)!.place)
    }
  }

  #send(reader: Reader, text: string): boolean {
    if (reader.write(text)) return true
    // Who does not read what was written comes back for the rest, rather than let it pile up here.
    this.leave(reader)
    reader.end()
    return false
  }
}

const after = (held: Held[], place: FeedPlace): Held[] => {
  // What is new is at the end.
  let from = held.length
  while (from > 0 && comparePlaces(held[from - 1]!.place, place) > 0) from--
  return held.slice(from)
}

/** The kinds are words of ours and the data JSON on one line, so neither can end a line. */
const message = (event: string, place: FeedPlace, data: string): string =>
  `id: ${placeText(place)}\nevent: ${event}\ndata: ${data}\n\n`
