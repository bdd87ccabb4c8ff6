const HOURS = 24
const HOUR_MS = 3_600_000

type OfHour = { hour: string }

/** One value for each of the last 24 hours, also for those in which nothing happened. */
export function byHour<T extends OfHour, V>(rows: readonly T[], of: (own: T[]) => V): { at: Date; value: V }[] {
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  return Array.from({ length: HOURS }, (_, i) => {
    const at = new Date(now - (HOURS - 1 - i) * HOUR_MS)
    const own = rows.filter(({ hour }) => Math.floor(Date.parse(hour) / HOUR_MS) * HOUR_MS === at.getTime())
    return { at, value: of(own) }
  })
}

export const sumOf =
  <T>(of: (row: T) => number): ((rows: T[]) => number) =>
  (rows) =>
    rows.reduce((sum, row) => sum + of(row), 0)
