import type { IncomingHttpHeaders } from 'node:http'

/** How a header writes a wait: seconds to go, milliseconds to go, or a moment as seconds or milliseconds since 1970. */
export type WaitForm = 'seconds' | 'milliseconds' | 'epoch-seconds' | 'epoch-milliseconds'

/** Longer waits are a misread header rather than a wish: a day. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000
/** Below this a number cannot be a moment of this century in seconds, above it hardly a number of seconds to wait. */
const SMALLEST_EPOCH_SECONDS = 1e9
const SMALLEST_EPOCH_MILLISECONDS = 1e11

/**
 * Milliseconds to wait from a `Retry-After` or reset header: seconds (also with fraction), HTTP date, ISO date, or with
 * `form` what the vendor documents. Without `form`, large numbers are taken for moments. Undefined where it says nothing;
 * 0 for a moment that has passed.
 */
export function parseRetryAfter(value: string | undefined, now: Date, form?: WaitForm): number | undefined {
  const text = value?.trim() ?? ''
  if (text === '') return undefined
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : null
  const ms = number === null ? momentMs(text, now) : numberMs(number, now, form)
  return ms === undefined ? undefined : Math.min(Math.max(0, Math.ceil(ms)), LONGEST_WAIT_MS)
}

function numberMs(number: number, now: Date, form: WaitForm | undefined): number {
  switch (form ?? guess(number)) {
    case 'milliseconds':
      return number
    case 'epoch-milliseconds':
      return number - now.getTime()
    case 'epoch-seconds':
      return number * 1000 - now.getTime()
    default:
      return number * 1000
  }
}

function guess(number: number): WaitForm {
  if (number >= SMALLEST_EPOCH_MILLISECONDS) return 'epoch-milliseconds'
  return number >= SMALLEST_EPOCH_SECONDS ? 'epoch-seconds' : 'seconds'
}

function momentMs(text: string, now: Date): number | undefined {
  // Date.parse takes almost anything ("-5" is a month); a date that means something names a weekday or an ISO day.
  if (!/^([A-Za-z]{3,9},? |\d{4}-\d\d-\d\dT)/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at - now.getTime()
}

/** Headers that commonly say how long to wait, best first. The IETF draft's `t` follows `Retry-After`. */
const USUAL_HEADERS = [
  'retry-after',
  'x-retry-after',
  'ratelimit',
  'x-ratelimit-reset',
  'ratelimit-reset',
  'x-rate-limit-reset',
]

/** How long an answer asks us to wait: `Retry-After` first, then the usual reset headers. */
export function retryAfterOf(headers: IncomingHttpHeaders, now: Date): number | undefined {
  for (const name of USUAL_HEADERS) {
    const value = headers[name]
    const text = Array.isArray(value) ? value[0] : value
    const wait = name === 'ratelimit' ? draftReset(text) : parseRetryAfter(text, now)
    if (wait !== undefined) return wait
  }
  return undefined
}

/** `RateLimit: "burst";r=0;t=30`: the longest reset among the policies that have nothing left. */
function draftReset(value: string | undefined): number | undefined {
  const waits = (value ?? '')
    .split(',')
    .filter((policy) => /;\s*r=0(?!\d)/.test(policy))
    .flatMap((policy) => /;\s*t=(\d{1,9})(?!\d)/.exec(policy)?.[1] ?? [])
  return waits.length === 0 ? undefined : Math.min(Math.max(...waits.map(Number)) * 1000, LONGEST_WAIT_MS)
}
