import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Activity, Items } from '../../api/types.ts'
import { List } from '../../parts/list.tsx'
import { At } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Bars } from './bars.tsx'

const HOURS = 24
const HOUR_MS = 3_600_000

/** Throughput and errors of the last day, hour by hour, and the numbers they are drawn from. */
export function Hours({ activity }: { activity: UseQueryResult<Items<Activity>> }): ReactNode {
  const rows = activity.data?.items
  return (
    <Panel title="The last 24 hours">
      <List source={activity} count={rows?.length} never={<p>Nothing was delivered in the last 24 hours.</p>}>
        <div className="plots">
          <Bars label="Written" hours={byHour(rows ?? [], ({ written }) => written)} tone="ok" />
          <Bars label="Dead letters" hours={byHour(rows ?? [], ({ dead }) => dead)} tone="bad" />
        </div>
        <details>
          <summary>The numbers</summary>
          <Table
            label="Activity by hour"
            rows={[...(rows ?? [])].reverse()}
            keyOf={({ sync, hour }) => `${sync} ${hour}`}
            columns={[
              { head: 'Hour', cell: ({ hour }) => <At at={hour} /> },
              { head: 'Sync', className: 'main-cell', cell: ({ sync }) => <Plain>{sync}</Plain> },
              { head: 'Runs', numeric: true, cell: ({ runs }) => runs.toLocaleString() },
              { head: 'Not well', numeric: true, cell: ({ failed }) => failed.toLocaleString() },
              { head: 'Written', numeric: true, cell: ({ written }) => written.toLocaleString() },
              { head: 'Unchanged', numeric: true, cell: ({ unchanged }) => unchanged.toLocaleString() },
              { head: 'Dead', numeric: true, cell: ({ dead }) => dead.toLocaleString() },
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
