import { Readable } from 'node:stream'
import type { Reader } from './feed.ts'

/** What a page may leave unread; a burst of events is some kilobytes. */
const MAX_UNREAD_BYTES = 256 * 1024

/** A body that is written as events come. It never holds more than a bound: whoever reads slower than that comes back. */
export class EventStream extends Readable implements Reader {
  constructor() {
    super({ read: () => undefined, highWaterMark: MAX_UNREAD_BYTES })
  }

  /** False: too much is unread, and nothing of this was taken. */
  write(text: string): boolean {
    if (this.destroyed || this.readableEnded) return false
    if (this.readableLength + text.length > MAX_UNREAD_BYTES) return false
    this.push(text)
    return true
  }

  end(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null)
  }
}
