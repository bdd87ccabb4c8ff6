import type { JsonText } from '../core/index.ts'

type Entry = { seq: number; body: JsonText; read: boolean }

/** Somebody who read a moment ago will read on; after longer than this nobody is waited for. */
const READER_GONE_MS = 1_000

/**
 * Bodies that a pull of this process just committed, so that the push need not read them back from Postgres. A cache and
 * nothing more: whatever is not here is read from the change log.
 */
export class FreshBodies {
  readonly #entries = new Map<string, Entry>()
  readonly #maxBytes: number
  readonly #waiting = new Set<() => void>()
  #bytes = 0
  #unread = 0
  #lastRead = -Infinity

  constructor(maxBytes = 16_000_000) {
    this.#maxBytes = maxBytes
  }

  put(streamId: number, id: string, seq: number, body: JsonText): void {
    const key = `${streamId}:${id}`
    this.#drop(key)
    this.#entries.set(key, { seq, body, read: false })
    this.#bytes += body.bytes.length
    this.#unread += body.bytes.length
    if (this.#bytes <= this.#maxBytes) return
    // Insertion order: the oldest goes first.
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  /** The body, if it is of exactly this sequence number. Several syncs may read it, so it stays until it is pushed out. */
  get(streamId: number, id: string, seq: number): JsonText | undefined {
    const entry = this.#entries.get(`${streamId}:${id}`)
    if (entry?.seq !== seq) return undefined
    if (!entry.read) {
      entry.read = true
      this.#unread -= entry.body.bytes.length
    }
    this.#lastRead = performance.now()
    if (this.#waiting.size && !this.#isCrowded()) for (const wake of this.#waiting) wake()
    return entry.body
  }

  /**
   * Lets a push that is under way here catch up, at most `ms`: a pull that runs far ahead of it would push out what it is about
   * to read. Never waits for a push that does not read, because it is paused, waits for its target or runs elsewhere.
   */
  room(ms: number): Promise<void> {
    if (!this.#isCrowded() || performance.now() - this.#lastRead > READER_GONE_MS) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#waiting.add(done)
    })
  }

  #isCrowded(): boolean {
    return this.#unread > this.#maxBytes / 2
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.body.bytes.length
    if (!entry.read) this.#unread -= entry.body.bytes.length
  }
}
