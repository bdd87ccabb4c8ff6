import { Table as MantineTable } from '@mantine/core'
import { type ReactNode, useRef } from 'react'
import { NewRows } from './new-rows.tsx'
import { useStill } from './still.ts'

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
  columns: Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string | number
}

/** A dense table. On narrow screens it scrolls within itself, also with the keyboard. Its rows hold still while they are read. */
export function Table<Row>({ label, columns, rows: given, keyOf }: Props<Row>): ReactNode {
  const place = useRef<HTMLElement>(null)
  const { rows, waiting, isGone, release } = useStill(given, keyOf, place)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1).
    <section className="scroll" aria-label={label} tabIndex={0} ref={place}>
      <NewRows count={waiting} show={release} />
      <MantineTable highlightOnHover verticalSpacing={5} horizontalSpacing="sm" fz="sm">
        <MantineTable.Thead>
          <MantineTable.Tr>
            {columns.map((column) => (
              <MantineTable.Th key={column.head} scope="col" className={column.numeric ? 'number' : undefined}>
                {column.title ?? column.head}
              </MantineTable.Th>
            ))}
          </MantineTable.Tr>
        </MantineTable.Thead>
        <MantineTable.Tbody>
          {rows.map((row) => (
            <MantineTable.Tr key={keyOf(row)} data-gone={isGone(row) || undefined}>
              {columns.map((column) => (
                <MantineTable.Td
                  key={column.head}
                  className={[column.numeric ? 'number' : '', column.className ?? ''].join(' ').trim() || undefined}
                >
                  {column.cell(row)}
                </MantineTable.Td>
              ))}
            </MantineTable.Tr>
          ))}
        </MantineTable.Tbody>
      </MantineTable>
    </section>
  )
}
