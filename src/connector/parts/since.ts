/** How the watermark is written into a request: the value of `${ since }`. */
import { CausewayError, type JsonObject } from '../../core/index.ts'
import { millisecondsOf } from './timestamps.ts'
import { plainNumber } from './versions.ts'

export const SINCE_FORMATS = [
  'iso',
  'iso_seconds',
  'iso_micro',
  'date',
  'sql',
  'ldap',
  'epoch',
  'epoch_ms',
  'parts',
  'verbatim',
] as const
export type SinceFormat = (typeof SINCE_FORMATS)[number]

/**
 * Milliseconds that one step of the format covers. Cutting to it never loses records, because it rounds down; with an
 * exclusive bound one step is taken off before.
 */
export function stepOf(format: SinceFormat): number {
  if (format === 'date') return 86_400_000
  return format === 'iso_seconds' || format === 'sql' || format === 'epoch' || format === 'ldap' ? 1000 : 1
}

/** Writes a sortable timestamp in the given format; `zone` is an IANA name for systems that filter in local time. */
export function formatTimestamp(sortable: string, format: SinceFormat, zone?: string): string | number | JsonObject {
  const local = zone === undefined ? sortable : inZone(sortable, zone)
  const second = local.slice(0, 19)
  const suffix = zone === undefined ? 'Z' : ''
  switch (format) {
    case 'iso':
      return `${second}.${local.slice(20, 23)}${suffix}`
    case 'iso_seconds':
      return second + suffix
    case 'iso_micro':
      return `${second}.${local.slice(20, 26)}${suffix}`
    case 'date':
      return local.slice(0, 10)
    case 'sql':
      return second.replace('T', ' ')
    case 'ldap':
      return `${second.replace(/[-:T]/g, '')}Z`
    case 'epoch':
      return Math.floor(millisecondsOf(sortable) / 1000)
    case 'epoch_ms':
      return millisecondsOf(sortable)
    case 'parts':
      return partsOf(local)
    default:
      return `${second}.${local.slice(20).replace(/0+Z$/, 'Z').replace(/^Z$/, '0Z')}`
  }
}

/** Writes a sortable number or text back as it came. */
export const formatPlain = (sortable: string, type: 'number' | 'text'): string =>
  type === 'number' ? plainNumber(sortable) : sortable

function partsOf(local: string): JsonObject {
  const [year, month, day, hour, minute, second] = local.slice(0, 19).split(/[-T:]/).map(Number)
  return {
    year: year!,
    month: month!,
    day: day!,
    hour: hour!,
    minute: minute!,
    second: second!,
    microsecond: Number(local.slice(20, 26)),
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>()

/** The wall clock of a zone at that moment, in the same fixed form. The hour that a zone repeats in autumn is ambiguous there. */
function inZone(sortable: string, zone: string): string {
  let formatter = formatters.get(zone)
  if (!formatter) {
    try {
      formatter = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
    } catch (cause) {
      throw new CausewayError('CSW-1002', {
        what: `"${zone}" is not a time zone`,
        fix: 'Use an IANA name such as Europe/Warsaw.',
        cause,
      })
    }
    formatters.set(zone, formatter)
  }
  return `${formatter.format(millisecondsOf(sortable)).replace(' ', 'T')}${sortable.slice(19)}`
}
