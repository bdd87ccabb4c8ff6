import Table from 'cli-table3'
import { paint, type Style } from './output.ts'
import { printable } from './printable.ts'

const NO_LINES = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((name) => [name, '']),
)

/** A word that is shown in a colour; the colour is put on after the text was made printable. */
type Painted = { text: string; style: Style }
export type Cell = string | number | Painted | null | undefined

const isPainted = (cell: Cell): cell is Painted => typeof cell === 'object' && cell !== null
const textOf = (cell: Cell): string => printable(isPainted(cell) ? cell.text : String(cell ?? '–'))

/**
 * A plain table: header, columns, no lines. Values of other systems are made printable, and cut where a terminal is too narrow for
 * them; a program that reads the table gets them as wide as they are anywhere.
 */
export function table(head: string[], rows: Cell[][], whenEmpty: string): string {
  if (!rows.length) return paint('dim', whenEmpty)
  const drawn = new Table({
    head: head.map((title) => paint('dim', title)),
    chars: { ...NO_LINES, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  const texts = rows.map((row) => row.map(textOf))
  const widths = widthsWithin([head, ...texts], process.stdout.isTTY ? process.stdout.columns : undefined)
  drawn.push(
    ...rows.map((row, at) =>
      row.map((cell, column) => {
        const text = clip(texts[at]![column]!, widths[column]!)
        return isPainted(cell) ? paint(cell.style, text) : text
      }),
    ),
  )
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const GAP = 2
const MOST_CELL = 60
/** However narrow a terminal is: names that are cut shorter become alike, and a line that wraps can still be read. */
const LEAST_CELL = 16

/** Widths of the columns; the widest gives way until all of them fit. */
function widthsWithin(rows: string[][], room = Number.POSITIVE_INFINITY): number[] {
  const widths = rows[0]!.map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, Math.min(MOST_CELL, row[column]!.length)), 0),
  )
  let over = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - room
  for (; over > 0; over--) {
    const widest = Math.max(...widths)
    if (widest <= LEAST_CELL) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

/** Never half of a character that takes two units. */
const clip = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…` : text

/** Names and values of one thing, one per line. */
export function fields(pairs: [string, Cell][]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs
    .map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${printable(String(value ?? '–'))}`)
    .join('\n')
}

const COLOURS: Record<string, Style> = {
  success: 'green',
  delivered: 'green',
  active: 'green',
  ok: 'green',
  unchanged: 'green',
  failed: 'red',
  dead: 'red',
  needs_authorisation: 'red',
  open: 'red',
  partial: 'yellow',
  held: 'yellow',
  interrupted: 'yellow',
  unknown: 'yellow',
  paused: 'yellow',
  in_doubt: 'yellow',
  retrying: 'yellow',
  running: 'cyan',
  pending: 'cyan',
  waiting: 'cyan',
}
/** A state in its colour; the word itself carries the meaning. */
export const state = (word: string): Cell => (COLOURS[word] ? { text: word, style: COLOURS[word] } : word)

/** "12 s", "3 min", "2 h", "5 d". */
export function duration(ms: number): string {
  const seconds = ms / 1_000
  if (seconds < 1) return `${Math.round(ms)} ms`
  if (seconds < 100) return `${Math.round(seconds * 10) / 10} s`
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** When something was, in the zone of this machine with offset. */
export function time(iso: string | null): string {
  if (iso === null) return '–'
  const date = new Date(iso)
  const offset = -date.getTimezoneOffset()
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0')
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  return `${local} ${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`
}
