/** CSV: rows of text under a header. */
import { Readable } from 'node:stream'
import { CsvError, type Info, type Options, parse } from 'csv-parse'
import { stringify } from 'csv-stringify/sync'
import { CausewayError, isRawNumber, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import type { FileFormat, Row, RowFile, RowWriter } from './format.ts'
import { type Encoding, textOf } from './text.ts'

export type CsvOptions = {
  delimiter: string
  quote: string
  encoding: Encoding
  /** Writes `'` before cells that a spreadsheet would run as a formula. Off: values go out unchanged. */
  escapeFormulas: boolean
  /** Every row, the header too, ends with one delimiter more. */
  trailingDelimiter?: boolean
  /** Columns whose numbers have a decimal comma in the file and a point in records. */
  decimalComma?: readonly string[]
}

/** A quote that is never closed would otherwise collect the rest of the file in memory. */
const MAX_RECORD_CHARACTERS = 8 * 1024 * 1024

type Parsed = { record: string[]; info: Info }

/** CSV as RFC 4180 and its dialects; every value is text, an empty cell is an empty text. */
export function csvFormat(options: CsvOptions): FileFormat {
  return {
    rows: (file) => rows(file, options),
    columns: async (file) => {
      for await (const { record, info } of records(file, options)) return checkedHeader(record, file.name, info.lines)
      return []
    },
    fault: faultOf,
    writer: (columns) => csvWriter(columns, options),
  }
}

async function* rows(file: RowFile, options: CsvOptions): AsyncGenerator<Row> {
  let header: string[] | null = null
  for await (const { record, info } of records(file, options)) {
    if (header === null) header = checkedHeader(record, file.name, info.lines)
    else yield rowOf(record, header, { file: file.name, line: info.lines }, options)
  }
}

async function* records(file: RowFile, options: CsvOptions): AsyncGenerator<Parsed> {
  const parser = parse({
    delimiter: options.delimiter,
    quote: options.quote,
    // Row lengths are judged per row, so that one short row does not end the whole file.
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    info: true,
  } satisfies Options)
  const source = Readable.from(textOf(file.handle, file.name, options.encoding))
  source.on('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const parsed of parser)
      yield options.trailingDelimiter ? withoutLast(parsed as Parsed) : (parsed as Parsed)
  } catch (error) {
    throw parseFailure(error, file.name)
  } finally {
    source.destroy()
    parser.destroy()
  }
}

/** The empty cell behind the last delimiter is none. */
const withoutLast = ({ record, info }: Parsed): Parsed => ({
  record: record.at(-1) === '' ? record.slice(0, -1) : record,
  info,
})

/** `1.234,50` as `1234.50`; what is no such number stays as it is. */
const withPoint = (cell: string): string =>
  /^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$/.test(cell) ? cell.replaceAll('.', '').replace(',', '.') : cell
const withComma = (cell: string): string => (/^[+-]?\d+\.\d+$/.test(cell) ? cell.replace('.', ',') : cell)

function rowOf(cells: string[], header: string[], place: { file: string; line: number }, options: CsvOptions): Row {
  const { file, line } = place
  if (cells.length !== header.length) {
    const what = `Row ending in line ${line} of ${JSON.stringify(file)} has ${cells.length} cells, the header ${header.length}.`
    const text = encode([cells], options).slice(0, -1)
    return { line, body: null, text, error: new CausewayError('CSW-2054', { what, place }) }
  }
  const body: JsonObject = {}
  for (let i = 0; i < header.length; i++) {
    const name = header[i]!
    setOwn(body, name, options.decimalComma?.includes(name) ? withPoint(cells[i]!) : cells[i]!)
  }
  return { line, body, text: null }
}

function checkedHeader(names: string[], file: string, line: number): string[] {
  const fault = names.some((name) => name === '')
    ? 'a column without a name'
    : new Set(names).size < names.length
      ? 'two columns of the same name'
      : null
  if (fault === null) return names
  throw new CausewayError('CSW-2053', {
    what: `The header of ${JSON.stringify(file)} has ${fault}.`,
    place: { file, line },
    fix: 'Give every column a name of its own in the first row.',
  })
}

function parseFailure(error: unknown, file: string): Error {
  if (error instanceof CausewayError) return error
  if (!(error instanceof CsvError)) return error as Error
  const { code, lines } = error as CsvError & { lines?: number }
  const line = lines ?? 1
  return new CausewayError('CSW-2053', {
    // The parser's own message quotes the file's content, so only its code is passed on.
    what: `File ${JSON.stringify(file)} stops being CSV near line ${line} (${code}).`,
    place: { file, line },
  })
}

function csvWriter(columns: string[], options: CsvOptions): RowWriter {
  const cells = (body: JsonObject) =>
    columns.map((name) => {
      const cell = cellOf(Object.hasOwn(body, name) ? body[name] : null, name)
      return options.decimalComma?.includes(name) ? withComma(cell) : cell
    })
  return {
    head: () => encode([columns], options),
    // Rows that are no records go out as they came in: a rewrite must not lose what it does not understand.
    lines: (rows) => {
      let text = ''
      let pending: string[][] = []
      for (const row of rows) {
        if ('kept' in row && row.kept.body === null) {
          text += `${encode(pending, options)}${row.kept.text}\n`
          pending = []
        } else pending.push(cells('kept' in row ? (row.kept.body ?? {}) : row.body))
      }
      return text + encode(pending, options)
    },
  }
}

const encode = (
  rows: string[][],
  { delimiter, quote, escapeFormulas, trailingDelimiter = false }: CsvOptions,
): string =>
  rows.length === 0
    ? ''
    : stringify(rows, {
        delimiter,
        quote,
        escape_formulas: escapeFormulas,
        record_delimiter: trailingDelimiter ? `${delimiter}\n` : '\n',
      })

function faultOf(body: JsonObject): CausewayError | null {
  try {
    for (const [name, value] of Object.entries(body)) cellOf(value, name)
    return null
  } catch (error) {
    return error as CausewayError
  }
}

/** A cell holds text: numbers keep their spelling, null and missing are empty, anything nested is refused. */
function cellOf(value: Json | undefined, column: string): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return wellFormed(value, column)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (isRawNumber(value)) return value.rawJSON
  throw new CausewayError('CSW-2056', {
    what: `Column ${JSON.stringify(column)} of a CSV file holds text; the mapping gives ${Array.isArray(value) ? 'an array' : 'an object'}.`,
    fix: 'Let the mapping give text, for example with $join or $string.',
  })
}

/** UTF-8 has no form for half of a surrogate pair; written anyway, it would silently become U+FFFD. */
function wellFormed(value: string, column: string): string {
  if (value.isWellFormed()) return value
  throw new CausewayError('CSW-2056', {
    what: `Column ${JSON.stringify(column)}: the text holds half of a surrogate pair, which UTF-8 cannot hold.`,
    fix: 'Correct the text in the source; it was probably cut in the middle of a character.',
  })
}
