/**
 * Wake-ups that only stand behind a faster call: each id at once, then at most once per `everyMs`, the last one included. A job
 * per commit of the inbox would cost more than the commit.
 */
export class SpacedWakes {
  readonly #everyMs: number
  readonly #wake: (ids: string[]) => Promise<void>
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #again = new Set<string>()

  constructor(everyMs: number, wake: (ids: string[]) => Promise<void>) {
    this.#everyMs = everyMs
    this.#wake = wake
  }

  wake(ids: string[]): void {
    const now = ids.filter((id) => {
      if (!this.#timers.has(id)) return true
      this.#again.add(id)
      return false
    })
    for (const id of now) this.#timers.set(id, setTimeout(() => this.#due(id), this.#everyMs).unref())
    if (now.length) void this.#wake(now).catch(() => undefined)
  }

  #due(id: string): void {
    this.#timers.delete(id)
    if (this.#again.delete(id)) this.wake([id])
  }
}
