import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatPlace, type Place } from '../core/index.ts'
import { printable } from './printable.ts'

type Paint = (text: string) => string
const plain: Paint = (text) => text

/** `file:line:column` with the line and a caret under the place; the place alone when the file cannot be read. */
export function excerpt(place: Place, dir: string, dim: Paint = plain, mark: Paint = plain): string {
  const head = `  ${dim('-->')} ${formatPlace(place)}`
  const line = place.line === undefined ? undefined : readLine(resolve(dir, place.file), place.line)
  if (line === undefined) return head
  const number = String(place.line)
  const gutter = ' '.repeat(number.length)
  const bar = dim('|')
  const column = place.column ?? 1
  return [
    head,
    ` ${gutter} ${bar}`,
    ` ${dim(number)} ${bar} ${printable(line)}`,
    ` ${gutter} ${bar} ${' '.repeat(caretOffset(line, column))}${mark('^')}`,
  ].join('\n')
}

function readLine(path: string, line: number): string | undefined {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)[line - 1]
  } catch {
    return undefined
  }
}

/** Columns count UTF-16 units; a terminal shows a surrogate pair as one character two cells wide, and escapes wider. */
const caretOffset = (line: string, column: number): number => printable(line.slice(0, column - 1)).length
