import { CronExpressionParser } from 'cron-parser'
import { CausewayError } from '../core/index.ts'

/** When a schedule fires. An interval's slots are multiples of it since 1970, a cron's are read in its zone. */
export type Rhythm = { kind: 'interval'; everyMs: number } | { kind: 'cron'; expression: string; zone: string }

export type Schedule = { name: string; rhythm: Rhythm }

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** How far back a missed slot is looked for, nearest first; the last one is 29 February around the year 2100. */
const LOOK_BACK = [HOUR, DAY, 32 * DAY, 366 * DAY, 8 * 366 * DAY + DAY]

/**
 * The key under which slots are claimed. It holds the rhythm, so that a changed schedule starts afresh instead of making up
 * for slots that it did not have before.
 */
export function scheduleKey({ name, rhythm }: Schedule): string {
  if (rhythm.kind === 'interval') return `${name} every ${rhythm.everyMs} ms`
  return `${name} cron ${rhythm.expression.trim()} ${rhythm.zone}`
}

/** Throws CSW-7003 when the schedule cannot fire. */
export function checkSchedule(schedule: Schedule): void {
  const { rhythm } = schedule
  if (rhythm.kind === 'cron') {
    checkZone(schedule, rhythm.zone)
    // BullMQ's library accepts an empty or short expression as "every minute" and one with seconds; neither is meant.
    const fields = rhythm.expression.trim().split(/\s+/)
    const named = /^@(yearly|annually|monthly|weekly|daily|hourly|weekdays|weekends)$/.test(rhythm.expression.trim())
    if (fields.length !== 5 && !named)
      throw refuse(schedule, `"${rhythm.expression}" has not the five fields of a cron expression`)
    nextSlots(schedule, 1, new Date())
  } else if (!Number.isSafeInteger(rhythm.everyMs) || rhythm.everyMs < 1000) {
    throw refuse(schedule, `an interval of ${rhythm.everyMs} ms is not a whole number of at least 1000`)
  }
}

/** The next `count` slots after `from`, for previews. */
export function nextSlots(schedule: Schedule, count: number, from: Date): Date[] {
  const upcoming = slotsAfter(schedule, from)
  return Array.from({ length: count }, () => upcoming())
}

/** The latest slot in (`after`, `now`], or undefined: what is left to do after a time without anybody looking. */
export function latestSlot(schedule: Schedule, now: Date, after: Date | undefined): Date | undefined {
  const earliest = after?.getTime() ?? Number.NEGATIVE_INFINITY
  for (const distance of LOOK_BACK) {
    const start = Math.max(now.getTime() - distance, earliest)
    const upcoming = slotsAfter(schedule, new Date(start))
    let latest: Date | undefined
    for (let slot = upcoming(); slot <= now; slot = upcoming()) latest = slot
    if (latest || start === earliest) return latest
  }
  return undefined
}

/**
 * Gives the slots after `from` one by one.
 *
 * Daylight saving, as cron-parser has it: a time that is skipped in spring fires once, an hour later; an hour that comes
 * twice in autumn fires a fixed time once, in the first pass, and repeating ones (`*`) in both.
 */
export function slotsAfter(schedule: Schedule, from: Date): () => Date {
  const { rhythm } = schedule
  if (rhythm.kind === 'interval') {
    let slot = Math.floor(from.getTime() / rhythm.everyMs) * rhythm.everyMs
    return () => {
      slot += rhythm.everyMs
      return new Date(slot)
    }
  }
  const cron = parse(schedule, rhythm.expression, { tz: rhythm.zone, currentDate: warmUp(rhythm.zone, from) })
  return () => {
    let slot = next(schedule, cron)
    while (slot <= from) slot = next(schedule, cron)
    return slot
  }
}

/**
 * Where to start counting so that every instance finds the same slots. Started between the two passes of a doubled hour
 * cron-parser would fire a fixed time in the second one, and started after a skipped hour forget it; so start before.
 */
function warmUp(zone: string, from: Date): Date {
  const before = new Date(from.getTime() - 3 * HOUR)
  return offset(zone, before) === offset(zone, from) ? from : before
}

const formats = new Map<string, Intl.DateTimeFormat>()

function offset(zone: string, at: Date): string {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    formats.set(zone, format)
  }
  return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

type CronOptions = { tz: string; currentDate: Date }

function parse(schedule: Schedule, expression: string, options: CronOptions) {
  try {
    // Without a seed of its own `H` (some minute) would be another one in each instance.
    return CronExpressionParser.parse(expression, { ...options, hashSeed: schedule.name })
  } catch (cause) {
    throw refuse(schedule, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function next(schedule: Schedule, cron: ReturnType<typeof parse>): Date {
  try {
    return cron.next().toDate()
  } catch (cause) {
    throw refuse(schedule, 'it never fires', cause)
  }
}

function checkZone(schedule: Schedule, zone: string): void {
  try {
    offset(zone, new Date())
  } catch (cause) {
    throw refuse(schedule, `"${zone}" is not the name of a time zone (like Europe/Berlin)`, cause)
  }
}

function refuse(schedule: Schedule, why: string, cause?: unknown): CausewayError {
  return new CausewayError('CSW-7003', { what: `Schedule "${schedule.name}" cannot be used: ${why}.`, cause })
}
