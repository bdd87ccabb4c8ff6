/** How vendors write moments. */
import type { Expressions } from './expressions.ts'
import { fill } from './template.ts'

const two = (value: number): string => String(value).padStart(2, '0')

const WRITERS = {
  iso: (ms: number) => new Date(ms).toISOString(),
  iso_seconds: (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z'),
  iso_offset: (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00'),
  sql: (ms: number) =>
    new Date(ms)
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, ''),
  sql_micro: (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '000'),
  date: (ms: number) => new Date(ms).toISOString().slice(0, 10),
  epoch: (ms: number) => Math.floor(ms / 1000),
  epoch_ms: (ms: number) => ms,
  epoch_ms_text: (ms: number) => String(ms),
  us_date: (ms: number) => {
    const date = new Date(ms)
    return `${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}/${date.getUTCFullYear()}`
  },
} as const

type MomentStyle = keyof typeof WRITERS

/** A moment as the vendor writes it: one of the usual styles, or a text with inserts that see `ms`. */
export const writeMoment = async (style: string, ms: number, expressions: Expressions): Promise<unknown> =>
  Object.hasOwn(WRITERS, style) ? WRITERS[style as MomentStyle](ms) : fill(style, { ms }, expressions)
