/** The rows of a sheet, one after the other. */
import type { Json } from '../../../../core/index.ts'
import { parseExact } from '../../../../core/index.ts'
import type { Archive } from './archive.ts'
import { dateText } from './dates.ts'
import { textReader, unescaped, type Workbook } from './workbook.ts'
import { feeder } from './xml.ts'

/** What a cell holds, or why it has no value that could be told. */
export type Cell = { value: Json } | { fault: string }
export type SheetRow = { line: number; cells: Cell[] }

/** Columns go to XFD. */
const MOST_COLUMNS = 16_384
const MOST_CHARACTERS = 1024 * 1024

/** Rows with at least one cell, numbered as the program that shows the sheet numbers them. */
export async function* rowsOf(archive: Archive, workbook: Workbook): AsyncGenerator<SheetRow> {
  const ready: SheetRow[] = []
  const { write, end } = feeder(sheetHandlers(workbook, (row) => ready.push(row)))
  const { part, name } = workbook.sheet
  try {
    for await (const piece of archive.text(part, Number.MAX_SAFE_INTEGER)) {
      write(piece)
      yield* ready.splice(0)
    }
    end()
  } catch (error) {
    throw archive.broken(`the sheet ${JSON.stringify(name)} cannot be read to its end`, error)
  }
  yield* ready.splice(0)
}

type Attributes = Record<string, string>

function sheetHandlers(workbook: Workbook, done: (row: SheetRow) => void) {
  const inline = textReader()
  let [line, column, inValue, value, formula] = [0, -1, false, '', false]
  let [row, cell]: [Cell[] | null, Attributes] = [null, {}]
  const start: Record<string, (attributes: Attributes) => void> = {
    row: ({ r }) => {
      line = r === undefined ? line + 1 : Number(r)
      row = []
      column = -1
    },
    c: (attributes) => {
      column = attributes.r === undefined ? column + 1 : columnOf(attributes.r)
      if (!(column >= 0 && column < MOST_COLUMNS)) throw new Error(`no such cell: ${attributes.r}`)
      cell = attributes
      value = ''
      formula = false
      inline.start()
    },
    f: () => {
      formula = true
    },
    v: () => {
      inValue = true
    },
  }
  const ended: Record<string, () => void> = {
    v: () => {
      inValue = false
    },
    c: () => {
      // A text may be empty; any other result of a formula is missing when it is.
      const unknown = formula && value === '' && cell.t !== 'str'
      if (row)
        row[column] = unknown
          ? { fault: 'has a formula whose value was not saved' }
          : cellOf(cell, value, inline.take(), workbook)
    },
    row: () => {
      if (row?.length) done({ line, cells: Array.from(row, (held) => held ?? { value: null }) })
      row = null
    },
  }
  return {
    open: (name: string, attributes: Attributes) => {
      start[name]?.(attributes)
      inline.open(name)
    },
    text: (piece: string) => {
      if (inValue) value += piece
      else inline.text(piece)
      if (value.length > MOST_CHARACTERS) throw new Error('a cell is too long')
    },
    close: (name: string) => {
      inline.close(name)
      ended[name]?.()
    },
  }
}

/** `AB12` is column 27, counted from 0. */
function columnOf(reference: string): number {
  let column = 0
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}

function cellOf({ t = 'n', s }: Attributes, value: string, inline: string, workbook: Workbook): Cell {
  switch (t) {
    case 's': {
      const text = workbook.texts[Number(value)]
      return value === '' || text === undefined ? { fault: 'names a text that is not there' } : { value: text }
    }
    case 'inlineStr':
      return { value: inline }
    case 'str':
      return { value: unescaped(value) }
    case 'b':
      return { value: value === '1' || value === 'true' }
    case 'e':
      return { fault: `holds the error ${value}` }
    case 'd':
      return { value }
    default:
      return value === '' ? { value: null } : numberOf(value, s === undefined ? 0 : Number(s), workbook)
  }
}

/** A whole number as it stands; others to the 15 digits that spreadsheets calculate with (19.99 is stored as 19.989999999999998). */
function numberOf(text: string, style: number, { dates, from1904 }: Workbook): Cell {
  const number = Number(text)
  if (!Number.isFinite(number)) return { fault: 'holds what is no number' }
  const kind = dates[style] ?? null
  const day = kind === null ? null : dateText(number, kind, from1904)
  if (day !== null) return { value: day }
  return { value: /^-?(0|[1-9]\d*)$/.test(text) ? (parseExact(text) as Json) : Number(number.toPrecision(15)) }
}
