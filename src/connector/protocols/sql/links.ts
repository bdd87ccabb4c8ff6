/** The open connections of one session: some that can only read, some that write. */
import { CausewayError } from '../../../core/index.ts'
import type { SqlLink } from './dialect.ts'

type Mode = 'read' | 'write'

/** An idle connection is closed after this long: databases and firewalls drop them without a word. */
const IDLE_MS = 30_000

export class Links {
  private readonly open: (mode: Mode, signal: AbortSignal) => Promise<SqlLink>
  private readonly most: number
  private readonly idle: Record<Mode, { link: SqlLink; since: number }[]> = { read: [], write: [] }
  private readonly busy: Record<Mode, number> = { read: 0, write: 0 }
  private readonly waiting: Record<Mode, (() => void)[]> = { read: [], write: [] }
  private closed = false

  constructor(open: (mode: Mode, signal: AbortSignal) => Promise<SqlLink>, most: number) {
    this.open = open
    this.most = most
  }

  /** Gives a connection to `work` alone. It is kept for the next one unless it broke or was left in a transaction. */
  async with<T>(mode: Mode, signal: AbortSignal, work: (link: SqlLink) => Promise<T>): Promise<T> {
    await this.turn(mode, signal)
    try {
      const link = this.kept(mode) ?? (await this.open(mode, signal))
      try {
        const result = await work(link)
        if (link.lost || this.closed) link.close()
        else this.idle[mode].push({ link, since: performance.now() })
        return result
      } catch (error) {
        // What state it is in is not worth finding out.
        link.close()
        throw error
      }
    } finally {
      this.busy[mode]--
      this.waiting[mode].shift()?.()
    }
  }

  close(): void {
    this.closed = true
    for (const mode of ['read', 'write'] as const) {
      for (const { link } of this.idle[mode]) link.close()
      this.idle[mode] = []
    }
  }

  private async turn(mode: Mode, signal: AbortSignal): Promise<void> {
    while (this.busy[mode] >= this.most) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.waiting[mode].push(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
      if (signal.aborted) throw new CausewayError('CSW-3015', { what: 'The hub cancelled a statement.' })
    }
    this.busy[mode]++
  }

  private kept(mode: Mode): SqlLink | null {
    const now = performance.now()
    for (let found = this.idle[mode].pop(); found; found = this.idle[mode].pop()) {
      if (!found.link.lost && now - found.since < IDLE_MS) return found.link
      found.link.close()
    }
    return null
  }
}
