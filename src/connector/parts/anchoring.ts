/** Asking anew from what was read last, where a system gives no more to one question. */
import { CausewayError, type Json, type JsonObject } from '../../core/index.ts'
import type { SourceRecord } from '../contract.ts'
import { anchorOf, type Incremental, isBefore, type Watermark } from './incremental.ts'
import type { Position } from './paging.ts'
import type { Pass } from './stream-cursor.ts'

type Reading = { spec: Incremental; stream: string; settings: JsonObject; pass: Pass; watermark: Watermark }

/** Of one pass over a stream that is read by what changed; it keeps its anchor in the pass. */
export class Anchoring {
  private readonly reading: Reading
  private border: ReadonlySet<string> = new Set()

  constructor(reading: Reading) {
    this.reading = reading
  }

  /** What the question under way asks for instead of `since`, where it was asked anew. */
  get since(): Json | undefined {
    const { spec, settings, pass } = this.reading
    return pass.anchor ? anchorOf(spec, pass.anchor, settings) : undefined
  }

  /** Ends a pass that has reached what is known, and asks anew where the system gives no more to one question. */
  afterPage(position: Position | null, bodies: Json[], size: number): Position | null {
    const { spec, settings, pass, watermark } = this.reading
    if (bodies.length === 0) return position
    if (spec.newest_first && pass.since !== null)
      return isBefore(spec, bodies.at(-1), pass.since, settings) ? null : position
    if (spec.reanchor && position && watermark.newest !== this.anchor) return this.anchoredAt(watermark.newest)
    if (spec.cap === undefined) return position
    const count = (pass.count ?? 0) + bodies.length
    pass.count = count
    return count >= spec.cap || (position && count + size > spec.cap) ? this.anchored(spec.cap) : position
  }

  /** A question from the last value shows the records that hold it once more; those that did not change are left out. */
  beyondBorder(records: SourceRecord[]): SourceRecord[] {
    if (!this.reading.spec.reanchor) return records
    const before = this.border
    this.border = new Set(records.map(({ id, version }) => `${id} ${version}`))
    return records.filter(({ id, version }) => version === null || !before.has(`${id} ${version}`))
  }

  /** From where the question under way was asked. */
  private get anchor(): string | null {
    return this.reading.pass.anchor ?? this.reading.pass.since
  }

  private anchored(cap: number): Position {
    const { newest } = this.reading.watermark
    if (newest === null || newest === this.anchor)
      throw new CausewayError('CSW-2006', {
        what: `Reading ${this.reading.stream} does not get on: more than ${cap} records share one value of \`incremental\`, and the system gives no more to one question.`,
        fix: 'Use a page size that divides `cap`, a field with finer values, or another way of paging.',
      })
    return this.anchoredAt(newest)
  }

  private anchoredAt(value: string | null): Position {
    this.reading.pass.anchor = value
    this.reading.pass.count = 0
    return {}
  }
}
