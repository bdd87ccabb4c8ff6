/** The rows of all lists of the page as one column that the keyboard goes up and down. */
const ROWS = 'main tbody tr'

const seenRows = (): HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>(ROWS)].filter((row) => row.getClientRects().length > 0)

/** The row that has the focus, or has something in it that has. */
export const currentRow = (): HTMLElement | null => document.activeElement?.closest<HTMLElement>(ROWS) ?? null

/** Gives the focus to the next row, or the one before; at an end it stays. */
export function moveAmongRows(step: 1 | -1): void {
  const rows = seenRows()
  const current = currentRow()
  const row = rows[current === null ? 0 : rows.indexOf(current) + step]
  if (!row) return
  // A row takes the focus from a script only: with the tab key one would go through all of them.
  row.tabIndex = -1
  row.focus({ preventScroll: true })
  row.scrollIntoView({ block: 'nearest' })
}

/** Goes where the row leads: its first link, or what it unfolds. */
export function openRow(): void {
  currentRow()?.querySelector<HTMLElement>('a[href], summary')?.click()
}
