import { styleText } from 'node:util'
import { isObject, parseExact } from '../core/index.ts'

export const FORMATS = ['human', 'json', 'ndjson', 'github', 'junit', 'sarif'] as const
export type Format = (typeof FORMATS)[number]

/** Version of the JSON envelope; grows when a field of it changes its meaning. */
export const ENVELOPE = 1

/**
 * Where a command says things: the result on stdout, everything else on stderr. JSON texts go through untouched, so a record
 * body is printed as the source spelled it.
 */
export class Output {
  readonly format: Format

  constructor(format: Format) {
    this.format = format
  }

  /** The result of the command: JSON text for programs, and how people see it. */
  result(kind: string, json: string, human: () => string): void {
    if (this.format === 'human') process.stdout.write(withBreak(human()))
    else if (this.format === 'ndjson') process.stdout.write(lines(json))
    else process.stdout.write(`{"causeway":${ENVELOPE},"kind":${JSON.stringify(kind)},"data":${json}}\n`)
  }

  /** A result that has its own text in this format (JUnit, GitHub annotations). */
  text(text: string): void {
    process.stdout.write(withBreak(text))
  }

  /** News for a person who is watching; never part of the result. */
  note(text: string): void {
    process.stderr.write(withBreak(text))
  }

  get isForPeople(): boolean {
    return this.format === 'human'
  }
}

const withBreak = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

/** The items of a list one per line; anything else as one line. */
function lines(json: string): string {
  const value: unknown = parseExact(json)
  const items: unknown[] = isObject(value) && Array.isArray(value.items) ? value.items : [value]
  return items.map((item) => `${JSON.stringify(item)}\n`).join('')
}

export type Style = Parameters<typeof styleText>[0]

/** Colour where stdout is a terminal that wants it (NO_COLOR, FORCE_COLOR and --no-color are looked at by Node). */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })
export const paintError = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr })
