/** JSON lines: one object per line. */
import { CausewayError, isObject, type JsonObject, parseExact } from '../../../core/index.ts'
import type { FileFormat, Row, RowFile, RowWriter } from './format.ts'
import { type Encoding, textOf } from './text.ts'

/** A line longer than this is not kept in memory: the file is no JSON lines. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024

/** JSON lines; untouched lines are written back byte for byte. */
export const jsonlFormat = (options: { encoding: Encoding }): FileFormat => ({
  rows: (file) => rows(file, options.encoding),
  columns: async () => null,
  fault: () => null,
  writer: () => writer,
})

const writer: RowWriter = {
  head: () => '',
  lines: (rows) => rows.map((row) => `${'kept' in row ? (row.kept.text ?? '') : JSON.stringify(row.body)}\n`).join(''),
}

async function* rows(file: RowFile, encoding: Encoding): AsyncGenerator<Row> {
  let rest = ''
  let line = 0
  for await (const chunk of textOf(file.handle, file.name, encoding)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARACTERS) throw tooLong(file.name, line + 1)
    for (const text of lines) {
      line++
      const trimmed = text.trim()
      if (trimmed !== '') yield rowOf(trimmed, file.name, line)
    }
  }
  if (rest.trim() !== '') yield lastRow(rest.trim(), file.name, line + 1)
}

/** The last line without a line break: complete, or a writer is in the middle of it. */
function lastRow(text: string, file: string, line: number): Row {
  const row = rowOf(text, file, line)
  if (row.body !== null) return row
  throw new CausewayError('CSW-2055', {
    what: `The last line of ${JSON.stringify(file)} (line ${line}) is not complete; somebody is still writing it, or it was cut.`,
    place: { file, line },
  })
}

function rowOf(text: string, file: string, line: number): Row {
  const parsed = parsedObject(text)
  if (parsed !== null) return { line, body: parsed, text }
  const what = `Line ${line} of ${JSON.stringify(file)} is not a JSON object.`
  return { line, body: null, text, error: new CausewayError('CSW-2054', { what, place: { file, line } }) }
}

function parsedObject(text: string): JsonObject | null {
  try {
    const value = parseExact(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const tooLong = (file: string, line: number): CausewayError =>
  new CausewayError('CSW-2053', {
    what: `Line ${line} of ${JSON.stringify(file)} is longer than ${MAX_LINE_CHARACTERS} characters.`,
    place: { file, line },
  })
