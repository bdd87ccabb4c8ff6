/** CSV as bulk interfaces take and give it. */

/** Records as CSV: a header, then a line each. */
export function csvOf(records: Record<string, unknown>[], columns: string[], delimiter = ','): string {
  const cell = (value: unknown): string => {
    const text =
      value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
    return /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const line = (cells: unknown[]): string => cells.map(cell).join(delimiter)
  return [line(columns), ...records.map((record) => line(columns.map((column) => record[column])))]
    .map((text) => `${text}\n`)
    .join('')
}

/** Lines of CSV as objects, by the names in the first line. */
export function csvRecords(text: string, delimiter = ','): Record<string, string>[] {
  const [header = [], ...lines] = linesOf(text, delimiter)
  return lines.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])))
}

function linesOf(text: string, delimiter: string): string[][] {
  const lines: string[][] = []
  let cells: string[] = []
  let cell = ''
  let quoted = false
  const endLine = () => {
    cells.push(cell)
    if (cells.length > 1 || cell !== '') lines.push(cells)
    cells = []
    cell = ''
  }
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') {
        cell += '"'
        at++
      } else quoted = false
    } else if (character === '"') quoted = true
    else if (character === delimiter) {
      cells.push(cell)
      cell = ''
    } else if (character === '\n') endLine()
    else if (character !== '\r') cell += character
  }
  endLine()
  return lines
}
