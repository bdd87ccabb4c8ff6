/** Reading only what changed: where a pass begins, and how far it got. */
import { CausewayError, type Json, type JsonObject, rawNumber } from '../../core/index.ts'
import { choice, expression, flag, integer, part, type Scope, template, type ValueOf } from '../language/index.ts'
import { formatPlain, formatTimestamp, SINCE_FORMATS, stepOf } from './since.ts'
import { shifted } from './timestamps.ts'
import { sortableVersion } from './versions.ts'

export const incrementalPart = part({
  title: 'Incremental',
  sense:
    'Lets a pull ask for changes only. The newest value seen becomes the watermark; the next pull asks from there, and the request carries it wherever `since` stands. Records that share the watermark are read again, never left out.',
  fields: {
    value: expression({
      sense: 'The value of a record that the filter compares.',
      names: ['record', 'settings'],
      required: true,
      example: 'record.updated_at',
    }),
    type: choice(['timestamp', 'number', 'text'], { sense: 'What kind of value it is.', default: 'timestamp' }),
    format: choice(SINCE_FORMATS, {
      sense:
        'How `since` is written. `iso` 2026-11-23T12:00:00.000Z, `iso_seconds`, `iso_micro`, `date` 2026-11-23, `sql` 2026-11-23 12:00:00, `ldap` 20261123120000Z, `epoch` and `epoch_ms` as numbers, `parts` an object {year, month, …, microsecond}, `verbatim` with all digits seen. Numbers and texts are always written as they came.',
      default: 'iso',
    }),
    overlap_seconds: integer({
      sense: 'How far before the watermark a pull begins, for systems whose index or clock lags.',
      default: 0,
      minimum: 0,
    }),
    bound: choice(['inclusive', 'exclusive'], {
      sense:
        'Whether the filter gives records equal to `since` (>=) or only greater ones (>). For `exclusive` one step is taken off.',
      default: 'inclusive',
    }),
    ordered: flag({
      sense:
        'Pages come in ascending order of `value`. Then the watermark moves with every page, and a broken pass goes on from there.',
      default: false,
    }),
    newest_first: flag({
      sense:
        'Pages come in descending order of `value` and cannot be filtered: reading stops behind the first page that ends before the watermark, and `since` need not be sent.',
      default: false,
    }),
    cap: integer({
      sense:
        'How many records the system gives to one question, however many there are. When they are reached, it is asked anew from the last value. Needs `ordered`.',
      minimum: 1,
      example: 10_000,
    }),
    reanchor: flag({
      sense:
        'After each page asks anew from the last value, instead of counting on through pages of one question: right while records change under a page number or an offset, and never at a cap. Where all records of a page share one value, the next page of that question follows. Needs `ordered`, and a filter that is asked from the start.',
      default: false,
    }),
    zone: template({
      sense: 'IANA time zone the filter is read in; UTC without it.',
      names: ['settings'],
      example: 'Europe/Warsaw',
    }),
    initial: template({
      sense: 'Where the very first pull begins; without it, it reads everything.',
      names: ['settings'],
    }),
  },
  check: ({ type, bound, overlap_seconds, ordered, newest_first, cap, reanchor }) => [
    ...(newest_first && ordered
      ? [{ field: 'newest_first', message: 'pages cannot be both `ordered` and `newest_first`', fix: 'Keep one.' }]
      : []),
    ...((cap !== undefined || reanchor) && !ordered
      ? [
          {
            field: reanchor ? 'reanchor' : 'cap',
            message: 'the last value says nothing where pages have no order',
            fix: 'Add `ordered: true`, and sort in the request.',
          },
        ]
      : []),
    ...(type === 'text' && bound === 'exclusive'
      ? [
          {
            field: 'bound',
            message: 'nothing can be taken off a text',
            fix: 'Use a filter that includes its bound, or another type.',
          },
        ]
      : []),
    ...(type !== 'timestamp' && overlap_seconds > 0
      ? [{ field: 'overlap_seconds', message: `a ${type} has no seconds`, fix: 'Remove overlap_seconds.' }]
      : []),
  ],
  example: `
read:
  path: /contacts
  query: { updated_since: "\${ since }", sort: updated_at }
  records: response.data
  incremental: { value: record.updated_at, format: iso_seconds, overlap_seconds: 60, ordered: true }
`,
})
export type Incremental = ValueOf<typeof incrementalPart>

/** The value of `${ since }` for a watermark. */
export function sinceOf(spec: Incremental, watermark: string, settings: JsonObject): Json {
  if (spec.type !== 'timestamp') return sinceOfPlain(spec, watermark)
  const zone = spec.zone?.evaluate({ settings })
  const step = spec.bound === 'exclusive' ? stepOf(spec.format) : 0
  const from = shifted(watermark, -(spec.overlap_seconds * 1000 + step))
  return formatTimestamp(from, spec.format, typeof zone === 'string' ? zone : undefined)
}

function sinceOfPlain(spec: Incremental, watermark: string): Json {
  if (spec.type === 'text') return watermark
  const text = formatPlain(watermark, 'number')
  if (spec.bound === 'inclusive') return rawNumber(text)
  // One step down, exact at any size; what has a fraction is cut to the whole number below.
  const whole = BigInt(text.split('.', 1)[0]!)
  return rawNumber(String(text.includes('.') || whole === 0n ? whole : whole - 1n))
}

/** The value of `${ since }` where a capped question is asked anew: the clock of the system plays no part, so no overlap. */
export const anchorOf = (spec: Incremental, newest: string, settings: JsonObject): Json =>
  sinceOf({ ...spec, overlap_seconds: 0 }, newest, settings)

/** Whether a record lies before what the last pull has seen. */
export function isBefore(
  spec: Incremental,
  record: Json | undefined,
  watermark: string,
  settings: JsonObject,
): boolean {
  const value = sortableVersion(spec.value.evaluate({ record, settings }), spec.type)
  const from = spec.type === 'timestamp' ? shifted(watermark, -spec.overlap_seconds * 1000) : watermark
  return value !== null && value < from
}

/** Where the first pull begins when the manifest says so. */
export function initialWatermark(spec: Incremental | undefined, settings: JsonObject): string | null {
  const value = spec?.initial?.evaluate({ settings })
  if (!spec || value === undefined || value === null || value === '') return null
  const sortable = sortableVersion(value, spec.type)
  if (sortable === null)
    throw new CausewayError('CSW-2007', { what: `\`initial\` is no ${spec.type}.`, place: spec.initial!.place })
  return sortable
}

/** Follows the newest value of a pass. */
export class Watermark {
  newest: string | null
  private readonly spec: Incremental
  private readonly scope: Scope

  constructor(spec: Incremental, settings: JsonObject, newest: string | null) {
    this.spec = spec
    this.scope = { settings, record: null }
    this.newest = newest
  }

  see(record: Json): void {
    this.scope.record = record
    const value = this.spec.value.evaluate(this.scope)
    if (value === undefined || value === null) return
    const sortable = sortableVersion(value, this.spec.type)
    if (sortable !== null && (this.newest === null || sortable > this.newest)) this.newest = sortable
  }

  /**
   * What may be stored as watermark. A record dated into the future must not hide all that changes until then, so the time of
   * the request is the upper limit. Where pages have no order it is that of the first request of the pass: what changed later
   * may sit on a page that was read before.
   */
  upTo(requestedAt: string, began: string): string | null {
    if (this.newest === null || this.spec.type !== 'timestamp') return this.newest
    return [this.newest, this.spec.ordered ? requestedAt : began].sort()[0]!
  }
}
