/** Days of a spreadsheet: numbers that a format shows as a date (ECMA-376 part 1, 18.8.30 and 18.17.4). */

export type DateKind = 'date' | 'moment' | 'time'

/** Formats that are known by their number alone; those of East Asian editions among them. */
const BUILT_IN: [number, number, DateKind][] = [
  ...([
    [14, 17, 'date'],
    [18, 21, 'time'],
    [22, 22, 'moment'],
    [27, 31, 'date'],
    [32, 35, 'time'],
  ] as const),
  ...([
    [36, 36, 'date'],
    [50, 58, 'date'],
  ] as const),
] as [number, number, DateKind][]

/** What a number format makes of a number; null where it stays one. Durations (`[h]:mm`) stay numbers. */
export function kindOfFormat(id: number, code: string | undefined): DateKind | null {
  if (code === undefined) return BUILT_IN.find(([from, to]) => id >= from && id <= to)?.[2] ?? null
  const [first = ''] = code.split(';')
  if (/\[(h+|m+|s+)\]/i.test(first)) return null
  // Quoted texts, escaped signs, colours and conditions say nothing of the kind.
  const plain = first.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '').toLowerCase()
  if (/general|[0#?]/.test(plain.replace(/s+\.0+/g, ''))) return null
  const time = /[hs]/.test(plain)
  const day = /[yd]/.test(plain) || (/m/.test(plain) && !time)
  return day ? (time ? 'moment' : 'date') : time ? 'time' : null
}

const DAY_MS = 86_400_000

/**
 * The day or moment a number stands for, as ISO text without zone; null where it stands for none. Spreadsheets count a 29
 * February 1900 that never was, so days before March 1900 are one off.
 */
export function dateText(serial: number, kind: DateKind, from1904: boolean): string | null {
  if (!Number.isFinite(serial) || serial < 0 || serial >= 2_958_466) return null
  const whole = Math.floor(serial)
  if (kind === 'time' && whole === 0) return isoOf(0, serial).slice(11)
  if (!from1904 && whole === 60) return null
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, serial < 60 ? 31 : 30)
  const text = isoOf(epoch, serial)
  // A time of the day is data even where the format hides it.
  return kind === 'date' && text.endsWith('T00:00:00') ? text.slice(0, 10) : text
}

/** To the millisecond, which is all that a double holds of it; without it where it is none. */
function isoOf(epoch: number, days: number): string {
  return new Date(epoch + Math.round(days * DAY_MS)).toISOString().replace(/(\.000)?Z$/, '')
}
