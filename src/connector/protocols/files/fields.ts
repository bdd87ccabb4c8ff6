/** What a manifest says about files. */
import { CausewayError } from '../../../core/index.ts'
import {
  asText,
  type CompiledPart,
  choice,
  type Field,
  flag,
  integer,
  list,
  part,
  type Scope,
  section,
  template,
  text,
  type ValueOf,
} from '../../language/index.ts'
import { csvFormat } from './csv.ts'
import type { FileFormat } from './format.ts'
import { jsonlFormat } from './jsonl.ts'
import { type StoreSpec, storePart } from './s3/fields.ts'
import { type SftpSpec, sftpPart } from './sftp/fields.ts'
import { ENCODINGS, type Encoding } from './text.ts'
import { xlsxFormat } from './xlsx/index.ts'

const SETTINGS = ['settings'] as const

export const connectorFields = {
  folder: template({
    sense:
      'Files of the machine the hub runs on: their folder, relative to its working directory. Nothing outside it is opened. Instead of it, `sftp` or `s3` say where the files are.',
    names: SETTINGS,
    example: './exchange',
  }),
  sftp: section(sftpPart, { sense: 'The files are on an SFTP server.' }) as Field<SftpSpec | undefined>,
  s3: section(storePart, { sense: 'The files are objects of a bucket.' }) as Field<StoreSpec | undefined>,
  format: choice(['csv', 'jsonl', 'xlsx'], {
    sense:
      'How rows are written. `xlsx`: a sheet of a workbook, read only; numbers are numbers, days and moments ISO texts, empty cells null, and the value of a formula is the one that was saved with it.',
    required: true,
  }),
  encoding: template({
    sense: `Encoding of the files: ${ENCODINGS.join(', ')}. Only utf-8 is written.`,
    names: SETTINGS,
    default: 'utf-8',
  }),
  delimiter: template({ sense: 'CSV: what separates cells; `tab` stands for the tab.', names: SETTINGS, default: ',' }),
  quote: template({ sense: 'CSV: what encloses cells.', names: SETTINGS, default: '"' }),
  trailing_delimiter: flag({
    sense: 'CSV: every row, the header too, ends with one delimiter more, as some programs write it.',
    default: false,
  }),
  decimal_comma: list(text({ sense: 'A column.' }), {
    sense:
      'CSV: columns whose numbers have a decimal comma in the file, with or without points between thousands. Records have a point.',
    example: ['price'],
  }),
  escape_formulas: flag({
    sense:
      "CSV: writes a ' before cells that begin with = + - @ tab or return, so that a spreadsheet does not run them. Such values then read back with the ' in front.",
    default: false,
  }),
}
export type FilesConnector = CompiledPart<typeof connectorFields>

const writePart = part({
  title: 'Write',
  sense: 'Makes the file writable: rows are created, changed and deleted by a key column.',
  fields: {
    key_field: template({
      sense: 'The column (JSON lines: top-level field) that holds the id.',
      names: SETTINGS,
      required: true,
      example: 'sku',
    }),
  },
  example: 'write: { key_field: sku }',
})

type WriteSpec = ValueOf<typeof writePart>

export const streamFields = {
  sheet: template({
    sense: 'XLSX: name of the sheet, or its place from 1. The first one when left out.',
    names: SETTINGS,
  }),
  header_row: integer({ sense: 'XLSX: number of the row that names the columns.', default: 1, minimum: 1 }),
  file: template({
    sense: 'The file, below the folder or prefix of its place. Made by the first write where it does not exist.',
    names: SETTINGS,
    required: true,
    example: 'stock.csv',
  }),
  lookup: list(template({ sense: 'A column or top-level field.', names: SETTINGS }), {
    sense: 'Fields by which records can be found; a look-up reads the file once for all values.',
  }),
  write: section(writePart, { sense: 'Leave it out for a file that is only read.' }) as Field<WriteSpec | undefined>,
}
export type FilesStream = CompiledPart<typeof streamFields>

/** The format a connection's settings ask for. */
export function formatOf(connector: FilesConnector, stream: FilesStream, scope: Scope): FileFormat {
  if (connector.format === 'xlsx') {
    const sheet = stream.sheet?.evaluate(scope)
    const named = sheet === undefined || sheet === null || sheet === '' ? null : asText(sheet)
    return xlsxFormat({ sheet: named, headerRow: stream.header_row })
  }
  const encoding = asText(connector.encoding.evaluate(scope)) ?? 'utf-8'
  if (!ENCODINGS.includes(encoding as Encoding))
    throw new CausewayError('CSW-2005', {
      what: `"${encoding}" is not an encoding; use one of ${ENCODINGS.join(', ')}.`,
    })
  if (connector.format === 'jsonl') return jsonlFormat({ encoding: encoding as Encoding })
  const delimiter = asText(connector.delimiter.evaluate(scope)) ?? ','
  return csvFormat({
    delimiter: delimiter === 'tab' ? '\t' : delimiter,
    quote: asText(connector.quote.evaluate(scope)) ?? '"',
    encoding: encoding as Encoding,
    escapeFormulas: connector.escape_formulas,
    trailingDelimiter: connector.trailing_delimiter,
    ...(connector.decimal_comma ? { decimalComma: connector.decimal_comma } : {}),
  })
}
