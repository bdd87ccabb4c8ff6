import { type Clock, systemClock } from '../core/index.ts'
import { checkSchedule, latestSlot, type Schedule, scheduleKey, slotsAfter } from './slots.ts'
import { type QueueLog, TroubleReport } from './trouble.ts'

/** The table of slots that all instances share. */
export type SlotBook = {
  /**
   * True for exactly one caller of all. A process that dies between this and `fire` loses the slot, unless the same
   * transaction leaves something that a sweep finds (a pending run).
   */
  claimSlot(schedule: string, slot: Date): Promise<boolean>
  /** The newest claimed slot of each schedule, by the key it was claimed with. */
  lastSlots(): Promise<Map<string, Date>>
}

export type SchedulesOptions = {
  book: SlotBook
  /** Starts the work. Tried again until it succeeds or the next slot is due. */
  fire(schedule: Schedule, slot: Date): Promise<void>
  log: QueueLog
  clock?: Clock
  /** The longest time between two looks at the clock. */
  tickMs?: number
}

type Entry = {
  schedule: Schedule
  /** Slots after the one looked at last. */
  upcoming: () => Date
  next: Date
  /** The slot to be claimed, while nobody is known to have it. */
  due: Date | undefined
  /** A slot that is ours and has not been fired yet. */
  claimed: Date | undefined
}

/**
 * Looks at the clock in every instance and fires each slot in one of them. After a time without anybody looking, only the
 * latest missed slot of a schedule fires. A schedule never seen before does not make up for its past.
 */
export class Schedules {
  readonly #options: SchedulesOptions
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #trouble: TroubleReport
  #wanted = new Map<string, Schedule>()
  readonly #entries = new Map<string, Entry>()
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: SchedulesOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#tickMs = options.tickMs ?? 1_000
    this.#trouble = new TroubleReport(options.log)
  }

  /** Sets the schedules that hold from now on; throws CSW-7003, and changes nothing, when one of them cannot fire. */
  replace(schedules: Schedule[]): void {
    for (const schedule of schedules) checkSchedule(schedule)
    this.#wanted = new Map(schedules.map((schedule) => [scheduleKey(schedule), schedule]))
    for (const key of this.#entries.keys()) if (!this.#wanted.has(key)) this.#entries.delete(key)
  }

  start(): void {
    if (this.#stopped || this.#timer) return
    const loop = async () => {
      await this.tick()
      if (!this.#stopped) this.#timer = setTimeout(loop, this.#untilNext())
    }
    this.#timer = setTimeout(loop, 0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#ticking
  }

  /** One look at the clock. Never throws: what failed is due again at the next one. */
  tick(): Promise<void> {
    this.#ticking = this.#ticking.then(() => this.#look()).catch((error) => this.#trouble.tell(error))
    return this.#ticking
  }

  async #look(): Promise<void> {
    await this.#addNew()
    const now = this.#clock.now()
    await Promise.all(
      [...this.#entries].map(async ([key, entry]) => {
        while (entry.next <= now) {
          entry.due = entry.next
          entry.next = entry.upcoming()
        }
        await this.#settle(key, entry).catch((error) => this.#trouble.tell(error))
      }),
    )
  }

  async #settle(key: string, entry: Entry): Promise<void> {
    if (entry.due) {
      const slot = entry.due
      const ours = await this.#options.book.claimSlot(key, slot)
      // A newer slot makes up for an older one that could not be fired, whoever fires it.
      entry.claimed = ours ? slot : undefined
      entry.due = undefined
    }
    if (entry.claimed) {
      await this.#options.fire(entry.schedule, entry.claimed)
      entry.claimed = undefined
    }
  }

  async #addNew(): Promise<void> {
    const added = [...this.#wanted].filter(([key]) => !this.#entries.has(key))
    if (added.length === 0) return
    const lastSlots = await this.#options.book.lastSlots()
    const now = this.#clock.now()
    for (const [key, schedule] of added) {
      const last = lastSlots.get(key)
      const due = latestSlot(schedule, now, last)
      // Never fired before: the past is marked as done, so that a slot missed from now on is known to be missed.
      if (!last && due) await this.#options.book.claimSlot(key, due)
      const upcoming = slotsAfter(schedule, now)
      this.#entries.set(key, { schedule, upcoming, next: upcoming(), due: last && due, claimed: undefined })
    }
  }

  #untilNext(): number {
    const now = this.#clock.now().getTime()
    let wait = this.#tickMs
    for (const { next } of this.#entries.values()) wait = Math.min(wait, next.getTime() - now)
    return Math.max(wait, 5)
  }
}
