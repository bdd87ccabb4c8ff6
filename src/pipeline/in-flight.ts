import type { CausewayError } from '../core/index.ts'
import { type Settle, sendBatch } from './push-batch.ts'
import type { PushRun } from './push-run.ts'
import type { LaneReader } from './read-batch.ts'
import type { Lane, MappedBatch } from './work.ts'

/**
 * The batches of a lane that are under way: while the target works on one, the next is matched and sent. At most two, and they
 * are committed in their order. Only batches overlap that cannot concern each other: records that are new in the log, are there
 * to stay, refer to none and join none, each in one batch only. Two records of two batches that would write one target record
 * are kept apart by their intents, as those of two lanes are.
 */
export class InFlight {
  readonly #lane: Lane
  readonly #run: PushRun
  readonly #reader: LaneReader
  readonly #positions: Map<number, number>
  #last: Promise<CausewayError | null> = Promise.resolve(null)
  /** Records of the batch sent last; null while it must be alone. */
  #ids: ReadonlySet<string> | null = new Set()
  #busy = 0
  /** Of the batch committed last. */
  #failure: CausewayError | null = null

  constructor(lane: Lane, run: PushRun, reader: LaneReader, positions: Map<number, number>) {
    this.#lane = lane
    this.#run = run
    this.#reader = reader
    this.#positions = positions
  }

  get isBusy(): boolean {
    return this.#busy > 0
  }

  /** Sends a batch; resolves when the one before it is committed, with the failure of that one. */
  async launch(batch: MappedBatch): Promise<CausewayError | null> {
    if (this.#failure) return this.#failure
    const ids = isPlain(batch) ? new Set(batch.records.map(({ id }) => id)) : null
    const before = this.#ids
    if (!ids || !before || batch.records.some(({ id }) => before.has(id))) {
      const failure = await this.#last
      if (failure) return failure
    }
    const last = this.#last
    this.#ids = ids
    this.#busy++
    const sent = sendBatch(this.#lane, this.#run, batch)
    sent.catch(() => undefined)
    this.#last = this.#settle(batch, sent, last).finally(() => this.#busy--)
    this.#last.catch(() => undefined)
    return last
  }

  /** Resolves when nothing is under way any more, with the failure of the last batch. */
  landed(): Promise<CausewayError | null> {
    return this.#last
  }

  async #settle(
    batch: MappedBatch,
    sent: Promise<Settle>,
    before: Promise<CausewayError | null>,
  ): Promise<CausewayError | null> {
    const settle = await sent
    try {
      await before
    } catch (thrown) {
      // Its positions begin where those of the batch before end; but what is known of its writes must not be forgotten.
      await settle(null).catch(() => undefined)
      throw thrown
    }
    this.#failure = await settle(this.#positions)
    this.#reader.done(batch)
    return this.#failure
  }
}

const isPlain = ({ records, outputs, alone, dependencies, joined }: MappedBatch): boolean =>
  !alone &&
  !dependencies.length &&
  !joined.length &&
  records.every(({ deleted, logSeq }) => !deleted && logSeq !== null) &&
  outputs.every((output) => output.status === 'mapped' && output.parts.every(({ references }) => !references.length))
