import type { JsonText } from '../core/index.ts'

/**
 * Bodies that a pull of this process just committed, so that the push need not read them back from Postgres. A cache and
 * nothing more: whatever is not here is read from the change log.
 */
export class FreshBodies {
  readonly #entries = new Map<string, { seq: number; body: JsonText }>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes = 16_000_000) {
    this.#maxBytes = maxBytes
  }

  put(streamId: number, id: string, seq: number, body: JsonText): void {
    const key = `${streamId}:${id}`
    this.#drop(key)
    this.#entries.set(key, { seq, body })
    this.#bytes += body.bytes.length
    // Insertion order: the oldest goes first.
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  /** The body, if it is of exactly this sequence number. Several syncs may read it, so it stays until it is pushed out. */
  get(streamId: number, id: string, seq: number): JsonText | undefined {
    const entry = this.#entries.get(`${streamId}:${id}`)
    return entry?.seq === seq ? entry.body : undefined
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.body.bytes.length
  }
}
