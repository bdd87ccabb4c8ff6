import { memo, type ReactNode, useDeferredValue, useRef } from 'react'
import { NewRows } from './new-rows.tsx'
import { useStill } from './still.ts'
import { useZone } from './zone.ts'

export type Column<Row> = {
  head: string
  /** What stands in the head instead of its name. */
  title?: ReactNode
  cell: (row: Row) => ReactNode
  /** Numbers stand at the right, so that their size can be compared. */
  numeric?: boolean
  className?: string
}

type Props<Row> = {
  label: string
  /** Of a long list the same array each time: a row is drawn anew when it or its columns are others. */
  columns: Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string | number
}

/** So many rows fill a screen and stand there at once; those below come in slices of a few milliseconds. */
const AT_ONCE = 20

/**
 * A dense table, whose rows hold still while they are read. On narrow screens the cells of a row stand below each other, each behind the name
 * of its column; where the heads of columns are more than names it scrolls within itself, also with the keyboard.
 */
export function Table<Row>({ label, columns, rows: given, keyOf }: Props<Row>): ReactNode {
  const place = useRef<HTMLElement>(null)
  const { rows, waiting, isGone, release } = useStill(given, keyOf, place)
  const shown = useDeferredValue(rows, rows.length > AT_ONCE ? rows.slice(0, AT_ONCE) : rows)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1).
    <section className="scroll" aria-label={label} tabIndex={0} ref={place}>
      <NewRows count={waiting} show={release} />
      <table className={columns.some(({ title }) => title !== undefined) ? undefined : 'stacks'}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" className={column.numeric ? 'number' : undefined}>
                {column.title ?? column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <OneRow key={keyOf(row)} row={row} columns={columns as Column<unknown>[]} isGone={isGone(row)} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

type RowProps = { row: unknown; columns: Column<unknown>[]; isGone: boolean }

/** Plain elements, for a list has up to two thousand cells; drawn anew for another zone, in which its cells may say a time. */
const OneRow = memo(({ row, columns, isGone }: RowProps): ReactNode => {
  useZone()
  return (
    <tr data-gone={isGone || undefined}>
      {columns.map((column) => (
        <td key={column.head} className={classOf(column)} data-head={column.head}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
})

const classOf = ({ numeric, className }: Column<unknown>): string | undefined =>
  numeric ? (className ? `number ${className}` : 'number') : className
