/** Rows of CSV and JSON lines as they come out of an answer or a file. Values are exact: numbers keep their spelling. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { parse as parseAtOnce } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject, parseExact } from '../../core/index.ts'
import { choice, flag, text } from '../language/index.ts'
import type { ParseBody } from './answer.ts'

const ROW_FORMATS = ['json', 'csv', 'jsonl'] as const
export type RowFormat = (typeof ROW_FORMATS)[number]

export const formatFields = {
  as: choice(ROW_FORMATS, {
    sense: 'How it is written. `csv` (under a header) and `jsonl` are lists of rows; cells of CSV are texts.',
    default: 'json',
  }),
  delimiter: text({ sense: 'What stands between the cells of CSV.', default: ',' }),
}

export const typedField = flag({
  sense:
    'Cells of CSV become what the schema of the stream says they are: numbers and flags; an empty cell is null. Then a record is the same, whichever way it is read.',
  default: false,
})

const csvOptions = (delimiter: string) => ({ delimiter, columns: true, bom: true, skip_empty_lines: true }) as const

/** Reads the whole body of an answer as rows. */
export const rowsParser = (as: RowFormat, delimiter: string): ParseBody | undefined =>
  as === 'json'
    ? undefined
    : ({ body, malformedText }) => {
        if (malformedText) return { fault: 'its text is not valid in its character set' }
        try {
          return {
            value:
              as === 'csv'
                ? (parseAtOnce(body, csvOptions(delimiter)) as JsonObject[])
                : body.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parseExact(line)])),
          }
        } catch {
          return { fault: `it is no ${as === 'csv' ? 'CSV' : 'JSON lines'}` }
        }
      }

/** Reads rows from a stream, gzipped or not, one at a time. Throws CSW-3007 where it stops being what it should be. */
export async function* streamedRows(bytes: Readable, as: 'csv' | 'jsonl', delimiter: string): AsyncGenerator<Json> {
  const source = await unzipped(bytes)
  try {
    if (as === 'jsonl') {
      for await (const line of createInterface({ input: source, crlfDelay: Infinity }))
        if (line.trim() !== '') yield parseExact(line)
    } else {
      const parser = source.on('error', (error) => parser.destroy(error)).pipe(parse(csvOptions(delimiter)))
      for await (const row of parser) yield row as JsonObject
    }
  } catch (error) {
    if (error instanceof CausewayError) throw error
    throw new CausewayError('CSW-3007', {
      what: `A result file stops being ${as === 'csv' ? 'CSV' : 'JSON lines'} (${(error as { code?: string }).code ?? 'not well-formed'}).`,
    })
  } finally {
    source.destroy()
    bytes.destroy()
  }
}

/** Files are zipped more often than their headers say. */
async function unzipped(bytes: Readable): Promise<Readable> {
  const iterator = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first = await iterator.next()
  if (first.done) return Readable.from([])
  const whole = Readable.from(
    (async function* () {
      yield first.value
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    })(),
    { objectMode: false },
  )
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) return whole
  const gunzip = createGunzip()
  whole.on('error', (error) => gunzip.destroy(error))
  return whole.pipe(gunzip)
}

/** Items as the text of a file. The columns of CSV are all fields that occur; `none` stands for what is null or empty. */
export function fileOf(items: readonly Json[], as: 'csv' | 'jsonl' | 'json', delimiter: string, none = ''): string {
  if (as === 'json') return JSON.stringify(items)
  if (as === 'jsonl') return items.map((item) => `${JSON.stringify(item)}\n`).join('')
  const rows = items.map((item) => (isObject(item) ? (item as JsonObject) : {}))
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return stringify([columns, ...rows.map((row) => columns.map((name) => cellOf(row[name], none)))], { delimiter })
}

/** Whether a field of the item would be written as the very text that stands for a field to clear. */
export const holdsNone = (item: Json, none: string): boolean =>
  isObject(item) &&
  Object.values(item as JsonObject).some(
    // Spaces around it are taken away there.
    (value) => value !== null && value !== '' && cellOf(value, none).trim() === none.trim(),
  )

/** A field that a record does not have is an empty cell; one that is to be cleared is what the system takes for that. */
function cellOf(value: Json | undefined, none: string): string {
  if (value === undefined) return ''
  if (value === null || value === '') return none
  if (isRawNumber(value)) return value.rawJSON
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
