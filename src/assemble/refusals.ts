/** Addresses that connections were not let to, in the audit. */
import { asCausewayError, type Clock, type Logger } from '../core/index.ts'
import type { Refusal } from '../outbound/index.ts'
import { auditRefusal, REFUSALS_AN_HOUR, type Store } from '../store/index.ts'

const HOUR_MS = 3_600_000

type Noted = { since: number; addresses: Set<string> }

/** A sync may be refused with every record: what this process noted within the hour is not asked of the ledger again. */
export class Refusals {
  readonly #noted = new Map<string, Noted>()
  /** One after the other: the pool has other work. */
  #last: Promise<void> = Promise.resolve()
  readonly #parts: { pool: Store['pool']; clock: Clock; log: Logger }

  constructor(parts: { pool: Store['pool']; clock: Clock; log: Logger }) {
    this.#parts = parts
  }

  /** The address was not dialled, whether or not this can be written down. */
  note(connection: string, refusal: Refusal): void {
    const { pool, log } = this.#parts
    const { addresses } = this.#ofThisHour(connection)
    const address = `${refusal.host} ${refusal.port}`
    if (addresses.has(address) || addresses.size >= REFUSALS_AN_HOUR) return
    addresses.add(address)
    this.#last = this.#last
      .then(() => auditRefusal(pool, connection, refusal))
      .catch((thrown: unknown) => {
        addresses.delete(address)
        log.warn({ connection, err: asCausewayError(thrown).toJSON() }, 'a refused address is not in the audit yet')
      })
  }

  /** When everything noted so far is written, or was given up. */
  settled(): Promise<void> {
    return this.#last
  }

  #ofThisHour(connection: string): Noted {
    const now = this.#parts.clock.now().getTime()
    const noted = this.#noted.get(connection)
    if (noted && now - noted.since < HOUR_MS) return noted
    const fresh = { since: now, addresses: new Set<string>() }
    this.#noted.set(connection, fresh)
    return fresh
  }
}
