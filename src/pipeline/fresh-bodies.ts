import type { JsonText } from '../core/index.ts'

type Entry = { streamId: number; seq: number; body: JsonText; read: boolean }
/** What of a stream nobody read yet, when somebody read last, and who waits for that. */
type Reading = { unread: number; last: number; waiting: Set<() => void> }

/** Somebody who read a moment ago will read on; after longer than this nobody is waited for. */
const READER_GONE_MS = 1_000
/** Of what was read this share is kept for other syncs that follow the stream and are a little behind. */
const READ_SHARE = 0.25
/** Room is made for some hundred bodies at a time, not for one. */
const FREE_DOWN_TO = 0.98
const READ_DOWN_TO = READ_SHARE * 0.8

/**
 * Bodies that a pull of this process just committed, so that the push need not read them back from Postgres. A cache and
 * nothing more: whatever is not here is read from the change log.
 */
export class FreshBodies {
  readonly #entries = new Map<string, Entry>()
  readonly #maxBytes: number
  readonly #readings = new Map<number, Reading>()
  #bytes = 0
  #readBytes = 0

  constructor(maxBytes = 16_000_000) {
    this.#maxBytes = maxBytes
  }

  put(streamId: number, id: string, seq: number, body: JsonText): void {
    const key = `${streamId}:${id}`
    this.#drop(key)
    this.#entries.set(key, { streamId, seq, body, read: false })
    this.#bytes += body.bytes.length
    this.#readingOf(streamId).unread += body.bytes.length
    if (this.#bytes > this.#maxBytes || this.#readBytes > this.#maxBytes * READ_SHARE) this.#makeRoom()
  }

  /** Asked for only when it is needed: to begin at the oldest entry a map passes over all that were deleted before it. */
  #makeRoom(): void {
    // Insertion order: the oldest goes first.
    for (const [oldest, { read }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes * FREE_DOWN_TO && !(read && this.#readBytes > this.#maxBytes * READ_DOWN_TO))
        break
      this.#drop(oldest)
    }
  }

  /** The body, if it is of exactly this sequence number. Several syncs may read it, so it stays for a while. */
  get(streamId: number, id: string, seq: number): JsonText | undefined {
    const entry = this.#entries.get(`${streamId}:${id}`)
    if (entry?.seq !== seq) return undefined
    const reading = this.#readingOf(streamId)
    reading.last = performance.now()
    if (!entry.read) {
      entry.read = true
      this.#readBytes += entry.body.bytes.length
      reading.unread -= entry.body.bytes.length
      if (!this.#isCrowded(reading)) for (const wake of reading.waiting) wake()
    }
    return entry.body
  }

  /**
   * Lets a push that is under way here catch up, at most `ms`: a pull that runs far ahead of it would push out what it is about
   * to read. Never waits for a push that does not read, because it is paused, waits for its target or runs elsewhere.
   */
  room(streamId: number, ms: number): Promise<void> {
    const reading = this.#readingOf(streamId)
    if (!this.#isCrowded(reading) || performance.now() - reading.last > READER_GONE_MS) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        reading.waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      reading.waiting.add(done)
    })
  }

  #readingOf(streamId: number): Reading {
    const known = this.#readings.get(streamId)
    if (known) return known
    const reading = { unread: 0, last: -Infinity, waiting: new Set<() => void>() }
    this.#readings.set(streamId, reading)
    return reading
  }

  #isCrowded({ unread }: Reading): boolean {
    return unread > this.#maxBytes / 2
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.body.bytes.length
    if (entry.read) this.#readBytes -= entry.body.bytes.length
    else this.#readingOf(entry.streamId).unread -= entry.body.bytes.length
  }
}
