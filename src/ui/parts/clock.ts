import { useSyncExternalStore } from 'react'
import { Signal } from '../api/signal.ts'
import { language, locale } from '../texts/index.ts'
import { momentAt, offsetMinutes } from './wall-time.ts'
import { currentZone, timeZoneOf } from './zone.ts'

const seconds = new Signal(Date.now())
let timer: ReturnType<typeof setInterval> | undefined
let watchers = 0

/** One timer for everything that ages on the page, and none while nobody looks. */
function watchClock(watcher: () => void): () => void {
  const stop = seconds.subscribe(watcher)
  watchers++
  timer ??= setInterval(() => {
    if (!document.hidden) seconds.set(Date.now())
  }, 1_000)
  return () => {
    stop()
    if (--watchers > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** The time, ticking once a second while the tab is seen. */
export const useNow = (): number => useSyncExternalStore(watchClock, seconds.get)

/** What is said of the time: who shows it is drawn anew when the words change, not with every second. */
export const useWords = (of: (now: number) => string): string =>
  useSyncExternalStore(watchClock, () => of(seconds.value))

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** English has no short forms of its own that are as short as the signs of the units. */
const SIGNS: Partial<Record<string, string>> = { day: 'd', hour: 'h', minute: 'min', second: 's' }

const forms = new Map<string, Intl.NumberFormat>()

function inUnit(count: number, unit: string): string {
  if (language === 'en') return `${count} ${SIGNS[unit]}`
  const form = forms.get(unit) ?? new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' })
  forms.set(unit, form)
  return form.format(count)
}

/** "2 min 5 s", "3 h 20 min" as the language writes it: two units at most, one when that says enough. */
export function spanInWords(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1_000))
  const words: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count === 0 && words.length === 0) continue
    if (count > 0) words.push(inUnit(count, unit))
    if (words.length === 2 || count >= 10) break
  }
  return words.join(' ') || inUnit(0, 'second')
}

/** "00:04:07" for what counts down. */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / 1_000))
  return [Math.floor(left / 3_600), Math.floor(left / 60) % 60, left % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

const FORMATS = {
  long: { dateStyle: 'medium', timeStyle: 'medium' },
  short: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  day: { day: 'numeric', month: 'short' },
  date: { dateStyle: 'short' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>
type Form = keyof typeof FORMATS

const made = new Map<string, Intl.DateTimeFormat>()

/** A date in the zone of the page. Each form is made when it is first shown: one costs as much as drawing a row of a list. */
function dateIn(form: Form, date: Date): string {
  const timeZone = timeZoneOf(currentZone())
  const name = `${form} ${timeZone}`
  const format =
    made.get(name) ??
    new Intl.DateTimeFormat(locale, { ...FORMATS[form], ...(timeZone ? { timeZone } : {}), hourCycle: 'h23' })
  made.set(name, format)
  return format.format(date)
}

function offsetOf(date: Date): string {
  const minutes = offsetMinutes(date, timeZoneOf(currentZone()))
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`
}

/** Time in the zone of the page with its offset, and the same in UTC, as logs have it. */
export const exactTime = (date: Date): string => `${dateIn('long', date)} ${offsetOf(date)} · ${date.toISOString()}`

/** The time of day, with the day when it is not today. */
export function clockTime(date: Date): string {
  const time = dateIn('short', date)
  return dateIn('date', date) === dateIn('date', new Date()) ? time : `${dateIn('day', date)}, ${time}`
}

/** A moment as fields of the page have it, to the minute; the hub has it in UTC. */
export function fieldTime(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return ''
  const shift = offsetMinutes(date, timeZoneOf(currentZone())) * 60_000
  return new Date(date.getTime() + shift).toISOString().slice(0, 16)
}

/** What somebody typed into such a field, as the hub has it. */
export function momentOf(field: string): string | null {
  const wall = Date.parse(`${field}Z`)
  return Number.isNaN(wall) ? null : momentAt(wall, timeZoneOf(currentZone())).toISOString()
}
