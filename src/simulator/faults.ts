/** Faults that a test asks for, each for a number of requests that fit. */
export type FaultKind =
  /** The work is done, and the connection ends before a byte of the answer. */
  | 'lost'
  /** The work is done, and the answer ends in its middle. */
  | 'cut'
  /** Nothing is done: 500 in the vendor's words. */
  | 'down'
  /** Nothing is done: the vendor's throttle answer. */
  | 'throttled'
  /** Nothing is done: a page of a proxy with status 200. */
  | 'html'
  /** The answer comes late. */
  | 'slow'
  /** All tokens end before this request is looked at. */
  | 'expire'
  /** A job is taken as usual, and comes to nothing: no item of it is done. */
  | 'fails'

export type Fault = {
  kind: FaultKind
  when?: (seen: { method: string; path: string; route: string; write: boolean }) => boolean
  times?: number
  ms?: number
}

export class Faults {
  private readonly waiting: (Fault & { left: number })[] = []

  add(fault: Fault): void {
    this.waiting.push({ ...fault, left: fault.times ?? 1 })
  }

  clear(): void {
    this.waiting.length = 0
  }

  take(seen: { method: string; path: string; route: string; write: boolean }): Fault | null {
    const fault = this.waiting.find(({ left, when }) => left > 0 && (when === undefined || when(seen)))
    if (!fault) return null
    fault.left--
    return fault
  }
}
