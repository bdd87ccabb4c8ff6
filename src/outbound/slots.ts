import { CausewayError } from '../core/index.ts'
import { WaitingLine, waitInLine } from './waiting-line.ts'

/** How many calls of a connection may be under way at once. */
export class Slots {
  private free: number
  private readonly line = new WaitingLine()

  constructor(size: number) {
    this.free = size
  }

  /** Waits for a slot; the returned function gives it back and may be called more than once. */
  async take(priority: number, signal?: AbortSignal): Promise<() => void> {
    if (this.free > 0) this.free--
    else await waitInLine(this.line, { priority, charges: {}, maxWaitMs: Infinity }, signal, cancelled)
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = this.line.shift()
      if (next) next.go()
      else this.free++
    }
  }
}

const cancelled = () => new CausewayError('CSW-3015', { what: 'The call was cancelled before its turn came.' })
