/** Between moments and what clocks on the wall show somewhere. */

const readers = new Map<string | undefined, Intl.DateTimeFormat>()

/** Reads the wall clock of a zone; made once, because it is a thousand times dearer to make than to use. */
function readerOf(timeZone: string | undefined): Intl.DateTimeFormat {
  const known = readers.get(timeZone)
  if (known) return known
  const reader = new Intl.DateTimeFormat('en', {
    ...(timeZone === undefined ? {} : { timeZone }),
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  readers.set(timeZone, reader)
  return reader
}

/** Minutes by which a zone is ahead of UTC at a moment. */
export function offsetMinutes(date: Date, timeZone: string | undefined): number {
  const parts = Object.fromEntries(
    readerOf(timeZone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts as Record<string, number>
  const wall = Date.UTC(year, month - 1, day, hour, minute, second)
  return Math.round((wall - Math.floor(date.getTime() / 1_000) * 1_000) / 60_000)
}

/**
 * The moment at which the wall of a zone shows `wall` (milliseconds as if it were UTC). Where clocks are put back it is the first of
 * the two, where they are put forward the hour that is left out counts from before.
 */
export function momentAt(wall: number, timeZone: string | undefined): Date {
  const DAY_MS = 86_400_000
  // A day apart both offsets of a change are met, and only one of them leads back to the wall.
  const candidates = [wall - DAY_MS, wall + DAY_MS].map(
    (near) => wall - offsetMinutes(new Date(near), timeZone) * 60_000,
  )
  const found = candidates.find((moment) => moment + offsetMinutes(new Date(moment), timeZone) * 60_000 === wall)
  return new Date(found ?? candidates[0] ?? wall)
}
