import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Activity, Items } from '../../api/types.ts'
import { Bars } from '../../parts/bars.tsx'
import { byHour, sumOf } from '../../parts/by-hour.ts'
import { List } from '../../parts/list.tsx'
import { At } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { number, t } from '../../texts/index.ts'

/** Throughput and errors of the last day, hour by hour, and the numbers they are drawn from. */
export function Hours({ activity }: { activity: UseQueryResult<Items<Activity>> }): ReactNode {
  const rows = activity.data?.items
  return (
    <Panel title={t('plots.theLast24Hours')}>
      <List source={activity} count={rows?.length} never={<p>{t('landscape.nothingWasDeliveredInThe')}</p>}>
        <div className="plots">
          <Bars
            label={t('plots.written')}
            hours={byHour(
              rows ?? [],
              sumOf(({ written }) => written),
            )}
            tone="ok"
          />
          <Bars
            label={t('plots.deadLetters')}
            hours={byHour(
              rows ?? [],
              sumOf(({ dead }) => dead),
            )}
            tone="bad"
          />
        </div>
        <details>
          <summary>{t('plots.theNumbers')}</summary>
          <Table
            label={t('landscape.activityByHour')}
            rows={[...(rows ?? [])].reverse()}
            keyOf={({ sync, hour }) => `${sync} ${hour}`}
            columns={[
              { head: t('plots.hour'), cell: ({ hour }) => <At at={hour} /> },
              { head: t('landscape.sync'), className: 'main-cell', cell: ({ sync }) => <Plain>{sync}</Plain> },
              { head: t('plots.runs'), numeric: true, cell: ({ runs }) => number(runs) },
              { head: t('plots.notWell'), numeric: true, cell: ({ failed }) => number(failed) },
              { head: t('plots.written'), numeric: true, cell: ({ written }) => number(written) },
              { head: t('landscape.unchanged'), numeric: true, cell: ({ unchanged }) => number(unchanged) },
              { head: t('plots.dead'), numeric: true, cell: ({ dead }) => number(dead) },
            ]}
          />
        </details>
      </List>
    </Panel>
  )
}
