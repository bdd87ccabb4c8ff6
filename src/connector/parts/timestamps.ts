/**
 * Points in time as manifests meet them. Inside, a timestamp is ISO UTC with nine digits of a second, so that text order is
 * time order and nothing a system sends is rounded away: `2026-11-23T12:00:00.123456789Z`.
 */
import { isRawNumber } from '../../core/index.ts'

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/
const DIGITS = /^\d+(\.\d+)?$/
/** The form that most systems send; told apart by its fixed places, without a regular expression. */
const WHOLE_SECONDS = 'YYYY-MM-DDTHH:MM:SSZ'.length
const MILLISECONDS = 'YYYY-MM-DDTHH:MM:SS.mmmZ'.length

/** Sortable form of a timestamp in any usual spelling, or null when it is none. Without an offset it is taken as UTC. */
export function sortableTimestamp(value: unknown): string | null {
  if (typeof value === 'string') return fromText(value)
  if (typeof value === 'number') return fromEpoch(String(value))
  return isRawNumber(value) ? fromEpoch(value.rawJSON) : null
}

function fromText(text: string): string | null {
  if (DIGITS.test(text)) return fromEpoch(text)
  if (text.length === WHOLE_SECONDS && text.endsWith('Z') && text[10] === 'T' && !Number.isNaN(Date.parse(text)))
    return `${text.slice(0, 19)}.000000000Z`
  if (text.length === MILLISECONDS && isWritten(text)) return `${text.slice(0, 23)}000000Z`
  const match = ISO.exec(text)
  if (match) return fromParts(match)
  // HTTP dates and the like: `Mon, 23 Nov 2026 12:00:00 GMT`. LDAP's generalized time: `20261123120000Z`.
  const generalized = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?Z$/.exec(text)
  if (generalized) {
    const [, y, mo, d, h, mi, s, f = ''] = generalized
    return fromText(`${y}-${mo}-${d}T${h}:${mi}:${s}${f && `.${f}`}Z`)
  }
  const ms = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? null : withNanos(ms, '')
}

/** Written just as JavaScript itself writes it. */
function isWritten(text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text
}

function fromParts([, day, minute = '00:00', second = '00', fraction = '', zone = 'Z']: RegExpExecArray):
  | string
  | null {
  const offset = zone === 'Z' || zone === 'z' || zone === 'UTC' ? 'Z' : fullOffset(zone)
  const ms = Date.parse(`${day}T${minute}:${second}${offset}`)
  return Number.isNaN(ms) ? null : withNanos(ms, fraction)
}

const fullOffset = (zone: string): string =>
  zone.length === 3 ? `${zone}:00` : zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`

/** Seconds or, from 10^11 on, milliseconds since 1970. */
function fromEpoch(text: string): string | null {
  const match = /^(\d{1,16})(?:\.(\d{1,9})\d*)?$/.exec(text)
  if (!match) return null
  const [, whole = '', fraction = ''] = match
  const number = Number(whole)
  if (number < 1e11) return withNanos(number * 1000, fraction)
  return number <= 8.64e15 ? new Date(number).toISOString().replace('Z', '000000Z') : null
}

/** `ms` is on a whole second; `fraction` are the digits after the point. */
function withNanos(ms: number, fraction: string): string | null {
  if (Math.abs(ms) > 8.64e15) return null
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`
}

/** Milliseconds since 1970 of a sortable timestamp; the digits below are cut. */
export const millisecondsOf = (sortable: string): number => Date.parse(`${sortable.slice(0, 23)}Z`)

/** Moves a sortable timestamp by whole milliseconds. */
export function shifted(sortable: string, byMs: number): string {
  if (byMs === 0) return sortable
  return new Date(millisecondsOf(sortable) + byMs).toISOString().replace('Z', `${sortable.slice(23, 29)}Z`)
}
