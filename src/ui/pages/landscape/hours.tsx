import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Activity, Items } from '../../api/types.ts'
import { List } from '../../parts/list.tsx'
import { At } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { number, t } from '../../texts/index.ts'
import { Bars } from './bars.tsx'

const HOURS = 24
const HOUR_MS = 3_600_000

/** Throughput and errors of the last day, hour by hour, and the numbers they are drawn from. */
export function Hours({ activity }: { activity: UseQueryResult<Items<Activity>> }): ReactNode {
  const rows = activity.data?.items
  return (
    <Panel title={t('landscape.theLast24Hours')}>
      <List source={activity} count={rows?.length} never={<p>{t('landscape.nothingWasDeliveredInThe')}</p>}>
        <div className="plots">
          <Bars label={t('landscape.written')} hours={byHour(rows ?? [], ({ written }) => written)} tone="ok" />
          <Bars label={t('landscape.deadLetters2')} hours={byHour(rows ?? [], ({ dead }) => dead)} tone="bad" />
        </div>
        <details>
          <summary>{t('landscape.theNumbers')}</summary>
          <Table
            label={t('landscape.activityByHour')}
            rows={[...(rows ?? [])].reverse()}
            keyOf={({ sync, hour }) => `${sync} ${hour}`}
            columns={[
              { head: t('landscape.hour'), cell: ({ hour }) => <At at={hour} /> },
              { head: t('landscape.sync'), className: 'main-cell', cell: ({ sync }) => <Plain>{sync}</Plain> },
              { head: t('landscape.runs'), numeric: true, cell: ({ runs }) => number(runs) },
              { head: t('landscape.notWell'), numeric: true, cell: ({ failed }) => number(failed) },
              { head: t('landscape.written'), numeric: true, cell: ({ written }) => number(written) },
              { head: t('landscape.unchanged'), numeric: true, cell: ({ unchanged }) => number(unchanged) },
              { head: t('landscape.dead'), numeric: true, cell: ({ dead }) => number(dead) },
            ]}
          />
        </details>
      </List>
    </Panel>
  )
}

/** One number for each of the last hours, also for those in which nothing happened. */
function byHour(rows: readonly Activity[], of: (row: Activity) => number): { at: Date; value: number }[] {
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  return Array.from({ length: HOURS }, (_, i) => {
    const at = new Date(now - (HOURS - 1 - i) * HOUR_MS)
    const own = rows.filter(({ hour }) => Math.floor(Date.parse(hour) / HOUR_MS) * HOUR_MS === at.getTime())
    return { at, value: own.reduce((sum, row) => sum + of(row), 0) }
  })
}
