import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Activity, Connection, Items, Page as PageOf, Queue, Sync } from '../../api/types.ts'
import { useNow } from '../../parts/clock.ts'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { number, t } from '../../texts/index.ts'
import { type Flow, flowsOf } from './flows.ts'
import { Hours } from './hours.tsx'
import { Picture } from './picture.tsx'

/** All systems and what flows between them, as a picture and as the table it is made from. */
export function Landscape(): ReactNode {
  const connections = useAnswer<PageOf<Connection>>('/connections?limit=500')
  const syncs = useAnswer<PageOf<Sync>>('/syncs?limit=500')
  const queues = useAnswer<Items<Queue>>('/queues')
  const activity = useAnswer<Items<Activity>>('/activity', 30_000)
  const now = useNow()
  const systems = connections.data?.items.filter(({ state }) => state !== 'removed') ?? []
  const flows = flowsOf({
    syncs: syncs.data?.items.filter(({ state }) => state !== 'removed') ?? [],
    connections: systems,
    queues: queues.data?.items ?? [],
    activity: activity.data?.items ?? [],
    now,
  })
  return (
    <Page title={t('landscape.landscape')}>
      <List
        source={connections.error ? connections : syncs}
        count={connections.data && syncs.data ? systems.length : undefined}
        never={<p>{t('landscape.noSystemYetConnectionsIn')}</p>}
      >
        <Panel title={t('landscape.whatFlowsWhere')}>
          <Picture systems={systems} flows={flows} />
        </Panel>
        <Panel title={t('landscape.theSameAsATable')}>
          <Table label={t('landscape.flows')} rows={flows} keyOf={({ sync }) => sync.name} columns={COLUMNS} />
        </Panel>
        <Hours activity={activity} />
      </List>
    </Page>
  )
}

const COLUMNS: Column<Flow>[] = [
  {
    head: t('landscape.sync'),
    className: 'main-cell',
    cell: ({ sync }) => (
      <>
        <Link href={to.sync(sync.name)}>
          <Plain>{sync.name}</Plain>
        </Link>
        <p className="dim">
          <Plain>{sync.from}</Plain> → <Plain>{sync.to}</Plain>
        </p>
      </>
    ),
  },
  { head: t('landscape.state'), cell: ({ tone, words }) => <Mark tone={tone}>{words}</Mark> },
  { head: t('landscape.freshAsOf'), cell: ({ sync }) => <Ago at={sync.lastSuccessAt} /> },
  { head: t('landscape.written24H'), numeric: true, cell: ({ written }) => number(written) },
  { head: t('landscape.failed24H'), numeric: true, cell: ({ dead }) => number(dead) },
  { head: t('landscape.backlog'), numeric: true, cell: ({ backlog }) => number(backlog) },
]
