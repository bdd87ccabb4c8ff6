/** XLSX (ECMA-376, Office Open XML): the rows of one sheet, read only. */
import { CausewayError, type JsonObject, setOwn } from '../../../../core/index.ts'
import type { FileFormat, Row, RowFile } from '../format.ts'
import { Archive } from './archive.ts'
import { type Cell, rowsOf, type SheetRow } from './cells.ts'
import { readWorkbook } from './workbook.ts'

export type XlsxOptions = {
  /** Its name, or its place from 1; null: the first. */
  sheet: string | null
  /** Number of the row with the names of the columns. */
  headerRow: number
}

/** Memory grows with the texts that the cells of a workbook share, not with the number of its rows. */
export const xlsxFormat = (options: XlsxOptions): FileFormat => ({
  readOnly: 'Workbooks are read only: rewriting one would lose what the hub does not understand, such as formulas.',
  rows: (file) => rows(file, options),
  columns: async (file) => {
    for await (const header of sheetOf(file, options)) return namesOf(header, file.name).filter((name) => name !== null)
    return []
  },
  fault: () => null,
  writer: () => ({ head: () => '', lines: () => '' }),
})

/** The header, then the rows behind it. */
async function* sheetOf(file: RowFile, { sheet, headerRow }: XlsxOptions): AsyncGenerator<SheetRow> {
  const archive = await Archive.open(file)
  try {
    let header = false
    for await (const row of rowsOf(archive, await readWorkbook(archive, sheet))) {
      if (row.line < headerRow) continue
      if (!header && row.line > headerRow) throw archive.broken(`row ${headerRow}, the header, is empty`)
      header = true
      yield row
    }
  } finally {
    archive.close()
  }
}

async function* rows(file: RowFile, options: XlsxOptions): AsyncGenerator<Row> {
  let names: (string | null)[] | null = null
  for await (const row of sheetOf(file, options)) {
    if (names === null) names = namesOf(row, file.name)
    else if (row.cells.some((cell) => 'fault' in cell || cell.value !== null)) yield rowOf(row, names, file.name)
  }
}

function namesOf({ line, cells }: SheetRow, file: string): (string | null)[] {
  const names = cells.map((cell) => ('value' in cell && cell.value !== null ? String(cell.value).trim() : '') || null)
  const given = names.filter((name) => name !== null)
  if (new Set(given).size === given.length) return names
  throw new CausewayError('CSW-2053', {
    what: `The header of ${JSON.stringify(file)} (row ${line}) has two columns of the same name.`,
    place: { file, line },
    fix: 'Give every column a name of its own.',
  })
}

function rowOf({ line, cells }: SheetRow, names: (string | null)[], file: string): Row {
  const body: JsonObject = {}
  const faults: string[] = []
  for (let i = 0; i < Math.max(names.length, cells.length); i++) {
    const cell: Cell = cells[i] ?? { value: null }
    const name = names[i] ?? null
    if ('fault' in cell) faults.push(`${letters(i)}${line} ${cell.fault}`)
    else if (name !== null) setOwn(body, name, cell.value)
    else if (cell.value !== null) faults.push(`${letters(i)}${line} stands in a column without a name`)
  }
  if (faults.length === 0) return { line, body, text: null }
  const what = `Row ${line} of ${JSON.stringify(file)}: ${faults.slice(0, 5).join('; ')}.`
  const error = new CausewayError('CSW-2054', { what, place: { file, line } })
  return { line, body: null, text: JSON.stringify(cells.map((cell) => ('value' in cell ? cell.value : null))), error }
}

/** The name of a column, as the program that shows the sheet writes it. */
function letters(column: number): string {
  let name = ''
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name
  return name
}
