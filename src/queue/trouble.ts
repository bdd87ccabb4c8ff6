/** The part of a pino logger that this room uses. */
export type QueueLog = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

/**
 * Tells of trouble once, not once per retry: four workers that try again every 100 ms would fill a disk during an outage.
 * The same message is repeated after `quietMs` at the earliest.
 */
export class TroubleReport {
  readonly #log: QueueLog
  readonly #quietMs: number
  readonly #lastTold = new Map<string, number>()

  constructor(log: QueueLog, quietMs = 30_000) {
    this.#log = log
    this.#quietMs = quietMs
  }

  tell(error: unknown): void {
    const message = error instanceof Error ? error.message || error.name : String(error)
    const now = performance.now()
    const last = this.#lastTold.get(message)
    if (last !== undefined && now - last < this.#quietMs) return
    if (this.#lastTold.size > 100) this.#lastTold.clear()
    this.#lastTold.set(message, now)
    this.#log.warn({ code: 'CSW-7001', reason: message }, 'queue in trouble, trying again')
  }
}

/** Keeps a promise within a time; what it does after that is nobody's concern any more, least of all the process's. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  promise.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
