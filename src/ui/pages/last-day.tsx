import type { ComponentProps, ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import type { Hour, Items } from '../api/types.ts'
import { Bars } from '../parts/bars.tsx'
import { byHour, sumOf } from '../parts/by-hour.ts'
import { spanInWords } from '../parts/clock.ts'
import { List } from '../parts/list.tsx'
import { At } from '../parts/moment.tsx'
import { Panel } from '../parts/page.tsx'
import { type Part, StackedBars } from '../parts/stacked-bars.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { number, t } from '../texts/index.ts'

type PartName = keyof Hour['times']
const PARTS: (Part & { part: PartName })[] = [
  { part: 'remote', name: t('run.theOtherSide'), pattern: 'full' },
  { part: 'limits', name: t('run.forLimits'), pattern: 'rising' },
  { part: 'queue', name: t('run.inTheQueue'), pattern: 'falling' },
  { part: 'mapping', name: t('run.mapping'), pattern: 'dots' },
  { part: 'storing', name: t('run.storing'), pattern: 'level' },
  { part: 'other', name: t('run.otherWork'), pattern: 'upright' },
]
/** The feed tells of each run; sums over many need not follow each of them. */
const EVERY_MS = 30_000

/** How a sync, a connection or the whole hub did in the last day, hour by hour, and the numbers it is drawn from. `path`: whose. */
export function LastDay({ path, of = 'one' }: { path: string; of?: keyof typeof PLOTS }): ReactNode {
  const answer = useAnswer<Items<Hour>>(`${path}/hours`, EVERY_MS)
  const rows = answer.data?.items
  return (
    <Panel title={t('plots.theLast24Hours')}>
      <List source={answer} count={rows?.length} never={<p>{t('plots.nothingRan')}</p>}>
        <Plots rows={rows ?? []} of={of} />
        <p className="dim">{t('plots.fromLeftToRight')}</p>
        <details>
          <summary>{t('plots.theNumbers')}</summary>
          <Table
            label={t('plots.byHour')}
            rows={[...(rows ?? [])].reverse()}
            keyOf={({ hour }) => hour}
            columns={COLUMNS}
          />
        </details>
      </List>
    </Panel>
  )
}

/** What is drawn of what: the rest stands in the table. */
const PLOTS = {
  one: ['read', 'written', 'dead', 'failed', 'lag', 'limits'],
  hub: ['read', 'written', 'dead', 'failed'],
  queues: ['runs', 'queued'],
} as const satisfies Record<string, (keyof typeof BARS)[]>

function Plots({ rows, of }: { rows: Hour[]; of: keyof typeof PLOTS }): ReactNode {
  return (
    <div className="plots">
      {PLOTS[of].map((plot) => {
        const { value, ...bars } = BARS[plot]
        return <Bars key={plot} hours={byHour(rows, value)} {...bars} />
      })}
      {of === 'one' && (
        <StackedBars
          label={t('plots.meanTimeOfARun')}
          parts={PARTS}
          hours={byHour(rows, ([row]) => (row === undefined ? null : PARTS.map(({ part }) => mean(row, part))))}
          written={inTime}
        />
      )}
    </div>
  )
}

const mean = ({ times, timed }: Hour, part: PartName): number => (timed === 0 ? 0 : Math.round(times[part] / timed))

const inTime = (ms: number): string => (ms < 10_000 ? t('parts.ms', { ms }) : spanInWords(ms))

type Plot = Omit<ComponentProps<typeof Bars>, 'hours'> & { value: (rows: Hour[]) => number }
const longest = (of: (row: Hour) => number | null) => (rows: Hour[]) => Math.max(0, ...rows.map((row) => of(row) ?? 0))
const SPAN = { tone: 'wait', written: inTime } as const
const BARS = {
  read: { label: t('plots.read'), value: sumOf(({ read }) => read), tone: 'busy' },
  written: { label: t('plots.written'), value: sumOf(({ written }) => written), tone: 'ok' },
  dead: { label: t('plots.deadLetters'), value: sumOf(({ dead }) => dead), tone: 'bad' },
  failed: { label: t('plots.runsNotWell'), value: sumOf(({ failed }) => failed), tone: 'bad' },
  lag: { label: t('plots.longestLag'), value: longest(({ lag }) => lag), of: 'most', ...SPAN },
  limits: { label: t('plots.waitedForLimits'), value: sumOf(({ times }) => times.limits), ...SPAN },
  runs: { label: t('plots.runs'), value: sumOf(({ runs }) => runs), tone: 'busy' },
  queued: { label: t('plots.longestInTheQueue'), value: longest(({ queued }) => queued), of: 'most', ...SPAN },
} as const satisfies Record<string, Plot>

const COLUMNS: Column<Hour>[] = [
  { head: t('plots.hour'), cell: ({ hour }) => <At at={hour} /> },
  { head: t('plots.runs'), numeric: true, cell: ({ runs }) => number(runs) },
  { head: t('plots.notWell'), numeric: true, cell: ({ failed }) => number(failed) },
  { head: t('plots.read'), numeric: true, cell: ({ read }) => number(read) },
  { head: t('plots.written'), numeric: true, cell: ({ written }) => number(written) },
  { head: t('plots.dead'), numeric: true, cell: ({ dead }) => number(dead) },
  { head: t('plots.longestLag'), numeric: true, cell: ({ lag }) => (lag === null ? '–' : inTime(lag)) },
  {
    head: t('plots.longestInTheQueue'),
    numeric: true,
    cell: ({ queued }) => (queued === null ? '–' : inTime(queued)),
  },
  { head: t('plots.waitedForLimits'), numeric: true, cell: ({ times }) => inTime(times.limits) },
  ...PARTS.map(
    ({ part, name }): Column<Hour> => ({
      head: t('plots.meanOf', { name }),
      numeric: true,
      cell: (row) => (row.timed === 0 ? '–' : inTime(mean(row, part))),
    }),
  ),
]
