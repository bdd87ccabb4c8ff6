import { CausewayError, ProcessStops } from '../core/index.ts'
import type { Sent } from './failure.ts'
import type { CallEnd } from './quota.ts'
import { isIdempotent, type OutboundRequest } from './request.ts'

/** One call under way: its limits, and who ended it if we did. */
export class Call {
  readonly request: OutboundRequest
  readonly method: string
  readonly idempotent: boolean
  readonly deadlineMs: number
  readonly cap: number
  /** Why we ended the call ourselves, where we did. */
  endedBy: 'deadline' | 'cancelled' | null = null
  /** What the call says about the state of the system. */
  outcome: CallEnd = { end: 'neutral' }
  private readonly controller = new AbortController()
  private readonly parents: AbortSignal[]
  /** How far the request got. */
  wire: { readonly sent: Sent } | null = null
  private timer: NodeJS.Timeout | undefined
  private patience: NodeJS.Timeout | undefined
  private release: (() => void) | undefined

  constructor(
    request: OutboundRequest,
    limits: { deadlineMs: number; maxResponseBytes: number },
    clientSignal: AbortSignal | undefined,
  ) {
    this.request = request
    this.method = (request.method ?? 'GET').toUpperCase()
    this.idempotent = isIdempotent(request, this.method)
    this.deadlineMs = request.deadlineMs ?? limits.deadlineMs
    this.cap = request.maxResponseBytes ?? limits.maxResponseBytes
    // Not AbortSignal.any: a signal as old as the process would collect followers, and it costs more than this.
    this.parents = [request.signal, clientSignal].filter((signal) => signal !== undefined)
    for (const parent of this.parents) {
      if (parent.aborted) this.cancel()
      else parent.addEventListener('abort', this.cancel, { once: true })
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** The call has its slot and goes out now: from here the total deadline counts. */
  start(release: () => void): void {
    this.release = release
    this.timer = setTimeout(() => this.end('deadline'), this.deadlineMs)
  }

  /** Asked in the moment before bytes go out. Throws CSW-3015 when the caller may not send any more. */
  refuseIfTooLate(): void {
    if (this.request.maySend?.() === false) throw this.tooLate()
  }

  tooLate(): CausewayError {
    return new CausewayError('CSW-3015', { what: 'The right to send this ended before it was sent.' })
  }

  /** Frees timer, listeners and slot; may be called more than once. */
  finish(): void {
    clearTimeout(this.timer)
    clearTimeout(this.patience)
    for (const parent of this.parents) parent.removeEventListener('abort', this.cancel)
    this.release?.()
  }

  /** True once nobody wants it any more, even where it is let end. */
  get isCancelled(): boolean {
    return this.parents.some(({ aborted }) => aborted)
  }

  /** A write on its way has its answer waited for where the process goes in good order: cut, it would be of unknown outcome. */
  private readonly cancel = (): void => {
    const reason: unknown = this.parents.find(({ aborted }) => aborted)?.reason
    const isWrite = this.request.maySend !== undefined && (this.wire?.sent ?? 'no') !== 'no'
    const patienceMs = reason instanceof ProcessStops && isWrite ? reason.answerWithinMs : 0
    if (patienceMs > 0) this.patience = setTimeout(() => this.end('cancelled'), patienceMs)
    else this.end('cancelled')
  }

  private end(by: 'deadline' | 'cancelled'): void {
    this.endedBy ??= by
    this.controller.abort()
  }
}
