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
    <Page title="Landscape">
      <List
        source={connections.error ? connections : syncs}
        count={connections.data && syncs.data ? systems.length : undefined}
        never={<p>No system yet. Connections in the hub file are drawn here, and the syncs between them.</p>}
      >
        <Panel title="What flows where">
          <Picture systems={systems} flows={flows} />
        </Panel>
        <Panel title="The same as a table">
          <Table label="Flows" rows={flows} keyOf={({ sync }) => sync.name} columns={COLUMNS} />
        </Panel>
        <Hours activity={activity} />
      </List>
    </Page>
  )
}

const COLUMNS: Column<Flow>[] = [
  {
    head: 'Sync',
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
  { head: 'State', cell: ({ tone, words }) => <Mark tone={tone}>{words}</Mark> },
  { head: 'Fresh as of', cell: ({ sync }) => <Ago at={sync.lastSuccessAt} /> },
  { head: 'Written, 24 h', numeric: true, cell: ({ written }) => written.toLocaleString() },
  { head: 'Failed, 24 h', numeric: true, cell: ({ dead }) => dead.toLocaleString() },
  { head: 'Backlog', numeric: true, cell: ({ backlog }) => backlog.toLocaleString() },
]
