/** A bucket that fills evenly: `amount` requests in `windowMs`, all of them at once if the bucket is full. */
export class RateLimit {
  amount: number
  windowMs: number
  #tokens: number
  #at = performance.now()

  constructor(amount: number, windowMs: number) {
    this.amount = amount
    this.windowMs = windowMs
    this.#tokens = amount
  }

  /** Sets another limit and starts with a full bucket. */
  change(amount: number, windowMs: number): void {
    this.amount = amount
    this.windowMs = windowMs
    this.#tokens = amount
  }

  /** Takes one request; `waitMs` is 0 when it may pass, otherwise the time until the next one may. */
  take(): { waitMs: number; remaining: number } {
    const now = performance.now()
    const perMs = this.amount / this.windowMs
    this.#tokens = Math.min(this.amount, this.#tokens + (now - this.#at) * perMs)
    this.#at = now
    if (this.#tokens < 1) return { waitMs: (1 - this.#tokens) / perMs, remaining: 0 }
    this.#tokens -= 1
    return { waitMs: 0, remaining: Math.floor(this.#tokens) }
  }
}
