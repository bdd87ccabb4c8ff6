import type { ReactNode } from 'react'
import type { Run } from '../api/types.ts'
import { Counts, inOrder } from '../parts/counts.tsx'
import { State } from '../parts/mark.tsx'
import { At, Took } from '../parts/moment.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { to } from '../routing/to.ts'
import { t, word } from '../texts/index.ts'

export const RunTable = ({ rows, label }: { rows: Run[]; label: string }): ReactNode => (
  <Table label={label} rows={rows} keyOf={(run) => run.id} columns={COLUMNS} />
)

const COLUMNS: Column<Run>[] = [
  { head: t('runs.run'), cell: (run) => <Link href={to.run(run.id)}>{run.id}</Link> },
  { head: t('runs.kind'), cell: (run) => word('words', run.kind) },
  { head: t('runs.of'), className: 'main-cell', cell: (run) => <Plain>{run.sync ?? run.stream ?? '–'}</Plain> },
  { head: t('runs.outcome'), cell: (run) => <State state={run.outcome} /> },
  {
    head: t('runs.counts'),
    cell: (run) => (
      <>
        {(run.error === null || inOrder(run.counts).length > 0) && <Counts counts={run.counts} />}
        <ErrorLine error={run.error} />
      </>
    ),
  },
  { head: t('runs.trigger'), cell: (run) => word('words', run.trigger) },
  { head: t('runs.started'), cell: (run) => <At at={run.startedAt} /> },
  { head: t('runs.took'), numeric: true, cell: (run) => <Took from={run.startedAt} until={run.finishedAt} /> },
]
