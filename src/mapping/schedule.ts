import type { Schedule } from './contract.ts'
import type { ScheduleText } from './schema.ts'

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "30s", "5m", "1d" in milliseconds; the schema has checked the form. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text)!
  return Number(count) * UNITS[unit!]!
}

/** What is wrong with a schedule, or `undefined`. The fields of a cron expression are judged where slots are calculated. */
export function scheduleFault(text: ScheduleText): string | undefined {
  if (typeof text === 'string')
    return text === 'webhook' || text === 'manual'
      ? undefined
      : `"${text}" is not a schedule; "webhook" and "manual" are`
  const { every, cron, zone } = text
  if ((every === undefined) === (cron === undefined)) return 'a schedule has either "every" or "cron"'
  if (every !== undefined) {
    if (zone !== undefined) return '"zone" goes with "cron" only'
    return durationMs(every) < 1_000 ? 'an interval of less than a second' : undefined
  }
  return cronFault(cron!) ?? (zone === undefined || isZone(zone) ? undefined : `"${zone}" is not a time zone`)
}

function cronFault(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 6)
    return `a cron expression has 5 or 6 fields, this one has ${fields.length}`
  const odd = fields.find((field) => !/^[\dA-Za-z*,/?#-]+$/.test(field))
  return odd ? `"${odd}" is not a cron field` : undefined
}

/** A schedule without fault in the pipeline's words. */
export function toSchedule(text: ScheduleText): Schedule {
  if (typeof text === 'string') return { kind: text as 'webhook' | 'manual' }
  if (text.every !== undefined) return { kind: 'interval', everyMs: durationMs(text.every) }
  return { kind: 'cron', expression: text.cron!, zone: text.zone ?? 'UTC' }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
