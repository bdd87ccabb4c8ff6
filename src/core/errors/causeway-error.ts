import { type ErrorCode, registry } from './registry.ts'
import type { CauseClass, Reaction } from './spec.ts'

/** Where a fault sits, as an editor can open it; line and column start at 1. */
export type Place = { file: string; line?: number; column?: number }

export type ErrorDetails = {
  /** One sentence with the particulars of this occurrence. Must not hold a secret or a personal datum. */
  what: string
  place?: Place
  /** Overrides the registry's general advice where this occurrence allows a better one. */
  fix?: string
  /** Milliseconds the other side asked us to wait. */
  retryAfterMs?: number
  /** Machine-readable particulars: status, path, expected, received. No secrets, no record values. */
  data?: Record<string, unknown>
  cause?: unknown
}

/** The only error type that leaves a room. Every code stands in the registry; a test holds that. */
export class CausewayError extends Error {
  readonly code: ErrorCode
  readonly place: Place | undefined
  readonly fix: string
  readonly retryAfterMs: number | undefined
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.what, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'CausewayError'
    this.code = code
    this.place = details.place
    this.fix = details.fix ?? registry[code].action
    this.retryAfterMs = details.retryAfterMs
    this.data = details.data ?? {}
  }

  get reaction(): Reaction {
    return registry[this.code].reaction
  }

  get causeClass(): CauseClass {
    return registry[this.code].causeClass
  }

  /** The form in which an error is stored, answered over HTTP and printed with `-o json`. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      what: this.message,
      why: registry[this.code].meaning,
      fix: this.fix,
      reaction: this.reaction,
      causeClass: this.causeClass,
      ...(this.place ? { place: this.place } : {}),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(Object.keys(this.data).length ? { data: this.data } : {}),
    }
  }
}

export type SerializedError = {
  code: ErrorCode
  what: string
  why: string
  fix: string
  reaction: Reaction
  causeClass: CauseClass
  place?: Place
  retryAfterMs?: number
  data?: Record<string, unknown>
}

/** Turns anything thrown into a coded error. What is not ours is a defect of the hub: CSW-1001, reaction `alert`. */
export function asCausewayError(thrown: unknown): CausewayError {
  if (thrown instanceof CausewayError) return thrown
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return new CausewayError('CSW-1001', { what, cause: thrown })
}

/** `file:line:column` as editors and terminals understand it. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(':')
}
