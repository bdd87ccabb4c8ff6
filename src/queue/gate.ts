import { type Clock, systemClock } from '../core/index.ts'
import { type ConnectionLoad, type FairnessLimits, pickStarts } from './fairness.ts'

export type GateOptions = FairnessLimits & {
  /** Puts an id back into the queue, behind what waits there. */
  wake(id: string): Promise<void>
  clock?: Clock
}

/** Waits outside; true when the wait said so and the slot was to be had again. */
export type StepOut = (wait: () => Promise<boolean>) => Promise<boolean>

/** Half of the slots, so that one slow connection leaves as many to all others. */
export const perConnectionLimit = (total: number): number => Math.max(1, Math.ceil(total / 2))

/**
 * Keeps one connection from taking all slots of a worker. A job above its connection's share gives its slot back at once and
 * is woken again when the connection has a slot; meanwhile the jobs behind it come forward. Ids parked here and lost with the
 * process are found by the sweeps, like any lost job.
 */
export class FairGate {
  readonly #options: GateOptions
  readonly #clock: Clock
  readonly #active = new Map<string, number>()
  /** By connection: ids set aside and since when. */
  readonly #parked = new Map<string, Map<string, number>>()
  readonly #servedAt = new Map<string, number>()
  #turn = 0

  constructor(options: GateOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Runs `work` when the connection has a slot left, otherwise sets the id aside; false = set aside. Work that waits does so
   * within `stepOut`, which gives the slot back meanwhile; its answer is false where the wait's is, or when the slot is taken by then.
   */
  async pass(connection: string, id: string, work: (stepOut: StepOut) => Promise<void>): Promise<boolean> {
    if (!this.#enter(connection, id)) return false
    let inside = true
    const leave = async (): Promise<void> => {
      if (!inside) return
      inside = false
      this.#leave(connection)
      await this.#wakeParked()
    }
    try {
      await work(async (wait) => {
        await leave()
        inside = (await wait()) && this.#enter(connection, id)
        return inside
      })
    } finally {
      await leave()
    }
    return true
  }

  #enter(connection: string, id: string): boolean {
    if (this.#activeOf(connection) >= this.#options.perConnection) {
      this.#park(connection, id)
      return false
    }
    this.#active.set(connection, this.#activeOf(connection) + 1)
    this.#serve(connection)
    return true
  }

  /** Gives everything set aside back to the queue, for other processes; called when this one stops. */
  async empty(): Promise<void> {
    const ids = [...this.#parked.values()].flatMap((parked) => [...parked.keys()])
    this.#parked.clear()
    await Promise.all(ids.map((id) => this.#options.wake(id)))
  }

  async #wakeParked(): Promise<void> {
    for (const connection of pickStarts(this.#loads(), this.#options, this.#servedAt)) {
      const parked = this.#parked.get(connection)!
      const [id] = parked.keys()
      if (id === undefined) continue
      parked.delete(id)
      if (parked.size === 0) this.#parked.delete(connection)
      this.#serve(connection)
      // Lost if the queue is away, which the sweeps make good; the work just done must not fail for it.
      await this.#options.wake(id).catch(() => undefined)
    }
  }

  #loads(): ConnectionLoad[] {
    const now = this.#clock.monotonic()
    return [...new Set([...this.#active.keys(), ...this.#parked.keys()])].map((connection) => {
      const parked = this.#parked.get(connection)
      const [oldest = now] = parked?.values() ?? []
      return {
        connection,
        waiting: parked?.size ?? 0,
        oldestAgeMs: now - oldest,
        active: this.#activeOf(connection),
        paused: false,
        throttled: false,
      }
    })
  }

  #park(connection: string, id: string): void {
    const parked = this.#parked.get(connection) ?? new Map<string, number>()
    if (!parked.has(id)) parked.set(id, this.#clock.monotonic())
    this.#parked.set(connection, parked)
  }

  #serve(connection: string): void {
    this.#turn += 1
    this.#servedAt.delete(connection)
    this.#servedAt.set(connection, this.#turn)
    // Whoever was served longest ago is forgotten first and then counts as never served, which is no worse.
    if (this.#servedAt.size > 10_000) this.#servedAt.delete(this.#servedAt.keys().next().value!)
  }

  #leave(connection: string): void {
    const left = this.#activeOf(connection) - 1
    if (left > 0) this.#active.set(connection, left)
    else this.#active.delete(connection)
  }

  #activeOf(connection: string): number {
    return this.#active.get(connection) ?? 0
  }
}
