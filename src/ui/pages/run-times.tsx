import type { ReactNode } from 'react'
import type { Run } from '../api/types.ts'
import { type Column, Table } from '../parts/table.tsx'
import { number, t } from '../texts/index.ts'

type Times = NonNullable<Run['times']>
/** `from` and `ms` in milliseconds of the whole. */
type Row = { name: string; from: number; ms: number; total: number }

const WIDTH = 240
const HEIGHT = 12

/** The parts of a run's duration, one below the other, each beginning where the one before ends, with their numbers. */
export function RunTimes({ times }: { times: Times | null }): ReactNode {
  if (!times) return <p className="nothing">{t('run.timesWereNotKept')}</p>
  return (
    <>
      <Table label={t('run.whereTheTimeWent')} columns={COLUMNS} rows={rowsOf(times)} keyOf={({ name }) => name} />
      <p className="dim">{t('run.momentsCountOnce')}</p>
    </>
  )
}

function rowsOf(times: Times): Row[] {
  const { total } = times
  const parts: [string, number][] = [
    [t('run.inTheQueue'), times.queue],
    [t('run.forLimits'), times.limits],
    [t('run.theOtherSide'), times.remote],
    [t('run.mapping'), times.mapping],
    [t('run.storing'), times.storing],
    [t('run.otherWork'), times.other],
  ]
  let from = 0
  const rows = parts.map(([name, ms]): Row => {
    const row = { name, from, ms, total }
    from += ms
    return row
  })
  return [...rows, { name: t('run.sum'), from: 0, ms: total, total }]
}

const COLUMNS: Column<Row>[] = [
  { head: t('run.part'), cell: ({ name }) => name },
  { head: t('run.time'), numeric: true, cell: ({ ms }) => t('parts.ms2', { value: ms }) },
  {
    head: t('run.share'),
    numeric: true,
    cell: ({ ms, total }) => `${number(total && Math.round((ms / total) * 100))} %`,
  },
  { head: t('run.barOfIt'), cell: (row) => <Bar {...row} /> },
]

/** Says what the numbers beside it say. */
function Bar({ from, ms, total }: Row): ReactNode {
  const at = (value: number): number => (total ? (value / total) * WIDTH : 0)
  return (
    <svg className="waterfall tone-busy" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line className="plot-ground" x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {ms > 0 && (
        <rect className="bar" x={Math.min(at(from), WIDTH - 1)} y={1} width={Math.max(1, at(ms))} height={HEIGHT - 3} />
      )}
    </svg>
  )
}
