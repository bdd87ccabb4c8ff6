/** What connections to all databases share: a socket that is cut by an abort, or where a statement is never answered. */
import type { Socket } from 'node:net'
import { CausewayError } from '../../../core/index.ts'
import type { SqlLink, SqlResult, SqlValue, Target } from './dialect.ts'
import { tooSlow } from './failure.ts'

/** The database ends a statement by itself; this much later it counts as one that does not answer any more. */
const GRACE_MS = 5_000

export abstract class SocketLink implements SqlLink {
  protected readonly socket: Pick<Socket, 'destroy' | 'once'>
  protected readonly target: Target
  lost = false

  constructor(socket: Pick<Socket, 'destroy' | 'once'>, target: Target) {
    this.socket = socket
    this.target = target
    socket.once('close', () => {
      this.lost = true
    })
  }

  /** Sends one statement; failures are those of the client library. */
  protected abstract run(text: string, values: readonly SqlValue[]): Promise<SqlResult>
  /** The coded error of a failure of the client library. */
  protected abstract failure(error: unknown, text: string): CausewayError
  /** How the database is named in messages. */
  protected abstract readonly shown: string
  /** Ends the client; the socket is destroyed after it. */
  protected abstract end(): void

  async query(text: string, values: readonly SqlValue[], signal: AbortSignal): Promise<SqlResult> {
    const cut = () => this.socket.destroy()
    let slow = false
    const timer = setTimeout(() => {
      slow = true
      cut()
    }, this.target.timeoutMs + GRACE_MS)
    signal.addEventListener('abort', cut, { once: true })
    try {
      if (signal.aborted) throw new CausewayError('CSW-3015', { what: 'The hub cancelled a statement.' })
      return await this.run(text, values)
    } catch (error) {
      throw slow ? tooSlow(this.shown, this.target.timeoutMs) : this.failure(error, text)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cut)
    }
  }

  close(): void {
    this.lost = true
    this.end()
    this.socket.destroy()
  }
}
