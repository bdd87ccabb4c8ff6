import { lazily } from '../../core/index.ts'
import { type DocumentedFunction, wrongArgument } from './documented.ts'

type Luxon = typeof import('luxon')
const luxon = lazily<Luxon>('luxon')
type DateTime = ReturnType<Luxon['DateTime']['fromISO']>

const UNITS = ['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds'] as const

function zoneOf(zone: string, index: number): string {
  if (!luxon().IANAZone.isValidZone(zone) && !luxon().FixedOffsetZone.parseSpecifier(zone))
    throw wrongArgument(index, zone)
  return zone
}

/** An instant from ISO text; text without an offset is local time of the zone. Nothing where it is no time. */
function instant(text: string, zone: string): DateTime | undefined {
  const { DateTime } = luxon()
  const sql = /^\d{4}-\d\d-\d\d \d/.test(text)
  const time = sql ? DateTime.fromSQL(text, { zone }) : DateTime.fromISO(text, { zone, setZone: false })
  return time.isValid ? time : undefined
}

const utc = (time: DateTime | undefined): string | undefined => time?.toUTC().toISO() ?? undefined

export const dateFunctions: Record<string, DocumentedFunction> = {
  dateParse: {
    usage: '$dateParse(text, format, zone?)',
    sense:
      'The instant of a date in a format of its own (tokens of Luxon: `dd.MM.yyyy HH:mm`) and an IANA zone (UTC without one), as ISO text in UTC; nothing where it does not fit.',
    signature: '<sss?:s>',
    implementation: (text?: string, format = '', zone = 'UTC') => {
      if (text === undefined) return undefined
      const time = luxon().DateTime.fromFormat(text, format, { zone: zoneOf(zone, 3) })
      return time.isValid ? utc(time) : undefined
    },
    examples: [
      ['$dateParse("31.01.2026 08:15", "dd.MM.yyyy HH:mm", "Europe/Warsaw")', '2026-01-31T07:15:00.000Z'],
      ['$dateParse("soon", "dd.MM.yyyy")', null],
    ],
  },
  dateFormat: {
    usage: '$dateFormat(time, format, zone?)',
    sense: 'An instant (ISO text) in a format and a zone.',
    signature: '<sss?:s>',
    implementation: (text?: string, format = '', zone = 'UTC') =>
      text === undefined ? undefined : instant(text, 'UTC')?.setZone(zoneOf(zone, 3)).toFormat(format),
    examples: [['$dateFormat("2026-07-01T22:30:00Z", "yyyy-MM-dd HH:mm", "Europe/Warsaw")', '2026-07-02 00:30']],
  },
  dateOnly: {
    usage: '$dateOnly(time, zone?)',
    sense: 'The calendar day of an instant in a zone, as `2026-01-31`.',
    signature: '<s-s?:s>',
    implementation: (text?: string, zone = 'UTC') =>
      text === undefined ? undefined : (instant(text, 'UTC')?.setZone(zoneOf(zone, 2)).toISODate() ?? undefined),
    examples: [['$dateOnly("2026-01-31T23:30:00Z", "Europe/Warsaw")', '2026-02-01']],
  },
  dateLocal: {
    usage: '$dateLocal(text, zone)',
    sense: 'The instant of a time without offset, such as `2026-07-01 12:00`, that is meant in a zone.',
    signature: '<ss:s>',
    implementation: (text?: string, zone = 'UTC') =>
      text === undefined ? undefined : utc(instant(text, zoneOf(zone, 2))),
    examples: [['$dateLocal("2026-07-01 12:00", "Europe/Warsaw")', '2026-07-01T10:00:00.000Z']],
  },
  dateAdd: {
    usage: '$dateAdd(time, amount, unit, zone?)',
    sense:
      'An instant moved by years, months, weeks, days, hours, minutes or seconds; days and longer units are those of the calendar in the zone.',
    signature: '<snss?:s>',
    implementation: (text?: string, amount = 0, unit = '', zone = 'UTC') => {
      if (text === undefined) return undefined
      const known = UNITS.find((one) => one === unit || one === `${unit}s`)
      if (!known) throw wrongArgument(3, unit)
      return utc(
        instant(text, 'UTC')
          ?.setZone(zoneOf(zone, 4))
          .plus({ [known]: amount }),
      )
    },
    examples: [
      ['$dateAdd("2026-01-31T10:00:00Z", 1, "month")', '2026-02-28T10:00:00.000Z'],
      ['$dateAdd("2026-03-28T10:00:00Z", 1, "day", "Europe/Warsaw")', '2026-03-29T09:00:00.000Z'],
    ],
  },
}
