/** Between the limits of a manifest and the gate that keeps them: what a request costs, and what an answer says is left. */
import { CausewayError, type JsonObject } from '../../core/index.ts'
import {
  parseRetryAfter,
  type QuotaBucket,
  type QuotaCharges,
  type QuotaGate,
  type QuotaLevel,
} from '../../outbound/index.ts'
import { asText, type Scope } from '../language/index.ts'
import type { CallOptions } from './answer.ts'
import { isTrue } from './errors.ts'
import type { BucketSpec, Limits } from './limits.ts'
import { policiesIn } from './rate-limit-header.ts'
import type { HttpRequest } from './request.ts'

/** The buckets of a manifest with the settings of a connection filled in. Throws CSW-2005 for a size that is no number. */
export function bucketsOf(limits: Limits | undefined, settings: JsonObject): QuotaBucket[] {
  return (limits?.buckets ?? []).map((spec) => {
    const scope = spec.scope?.evaluate({ settings })
    return {
      name: spec.name,
      units: sizeOf(spec, settings),
      seconds: spec.per,
      refill: spec.refill,
      scope: scope === undefined || scope === null ? null : asText(scope),
    }
  })
}

function sizeOf({ name, calls }: BucketSpec, settings: JsonObject): number {
  const units = Number(calls.evaluate({ settings }) ?? Number.NaN)
  if (units > 0) return units
  throw new CausewayError('CSW-2005', {
    what: `The limit "${name}" has no size: ${calls.source} gives no number above 0.`,
    fix: 'Give the setting it is made of, or a number.',
    place: calls.place,
  })
}

/** Counts the requests of one open connection against the buckets of its manifest. */
export class Meter {
  private readonly buckets: readonly BucketSpec[]
  private readonly settings: JsonObject
  private readonly gate: QuotaGate

  constructor(limits: Limits, settings: JsonObject, gate: QuotaGate) {
    this.buckets = limits.buckets ?? []
    this.settings = settings
    this.gate = gate
  }

  /** Units a request costs, per bucket, as a member to spread. `base` is the base URL, or '' while it is not known. */
  chargesOf(request: HttpRequest, base: string, purpose: CallOptions['purpose']): { charges?: QuotaCharges } {
    if (this.buckets.length === 0 || base === '') return {}
    // Token requests to a host of their own are no calls of the system whose limits these are.
    if (new URL(base).origin !== new URL(request.url).origin) return {}
    const { method, url, cost = 1 } = request
    const scope = { method, path: pathOf(url, base.replace(/\/+$/, '')), purpose, cost, settings: this.settings }
    const charges: Record<string, number> = {}
    for (const bucket of this.buckets) {
      if (bucket.when && !isTrue(bucket.when.evaluate(scope))) continue
      const units = bucket.cost ? Number(bucket.cost.evaluate(scope) ?? Number.NaN) : 1
      charges[bucket.name] = units >= 0 ? units : 1
    }
    return { charges }
  }

  /** Takes over what an answer says of the buckets; `scope` has the names of an answer. */
  learn(scope: Scope): void {
    for (const bucket of this.buckets) {
      const level = levelOf(bucket, scope, new Date())
      if (level) this.gate.learn(level)
    }
  }
}

function pathOf(url: string, base: string): string {
  const bare = url.split('?', 1)[0]!
  return bare.startsWith(base) ? bare.slice(base.length) : bare
}

const FORMS = {
  seconds: 'seconds',
  milliseconds: 'milliseconds',
  epoch: 'epoch-seconds',
  epoch_ms: 'epoch-milliseconds',
} as const

/** What an answer says of a bucket, or null. */
function levelOf(spec: BucketSpec, scope: Scope, now: Date): QuotaLevel | null {
  const told = spec.policy ? policiesIn(scope.headers as Record<string, string>).get(spec.policy) : undefined
  const remaining = numberOf(spec.remaining?.evaluate(scope)) ?? told?.remaining
  const limit = numberOf(spec.limit?.evaluate(scope)) ?? told?.limit
  if (remaining === undefined && limit === undefined) return null
  return { bucket: spec.name, ...defined({ remaining, limit, resetMs: resetOf(spec, scope, now) ?? told?.resetMs }) }
}

function resetOf({ reset, reset_as }: BucketSpec, scope: Scope, now: Date): number | undefined {
  const value = reset?.evaluate(scope)
  if (value === undefined || value === null) return undefined
  return parseRetryAfter(asText(value), now, reset_as === 'auto' ? undefined : FORMS[reset_as])
}

/** Headers hold texts; what is no number says nothing. */
function numberOf(value: unknown): number | undefined {
  const number = value === undefined || value === null || value === '' ? Number.NaN : Number(asText(value))
  return Number.isFinite(number) && number >= 0 ? number : undefined
}

const defined = (given: Record<string, number | undefined>): Record<string, number> =>
  Object.fromEntries(Object.entries(given).filter((entry): entry is [string, number] => entry[1] !== undefined))
