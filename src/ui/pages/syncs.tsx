import type { ReactNode } from 'react'
import { useAnswer, usePages } from '../api/queries.ts'
import type { Items, Queue, Schedule, Sync } from '../api/types.ts'
import { FilterChoice, Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { Ago } from '../parts/moment.tsx'
import { More } from '../parts/more.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { number, rich, t } from '../texts/index.ts'
import { SyncActions } from './sync-actions.tsx'

export function Syncs(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', 'connection'])
  const syncs = usePages<Sync>('/syncs', values)
  const queues = useAnswer<Items<Queue>>('/queues')
  const schedules = useAnswer<Items<Schedule>>('/schedules', 15_000)
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('syncs.syncs')}>
      <Panel title={t('syncs.allSyncs')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('syncs.state')}
            none={t('syncs.allInUse')}
            value={values.state}
            choices={['active', 'paused', 'removed']}
            onChange={(state) => set({ state })}
          />
          <FilterText
            label={t('syncs.connection')}
            value={values.connection}
            onChange={(connection) => set({ connection })}
          />
        </Filters>
        <List
          source={syncs}
          count={syncs.rows?.length}
          clear={clearAny}
          never={<p>{rich('syncs.noSyncYetEachFile', { code: <code>mappings/</code> })}</p>}
        >
          <Table
            label={t('syncs.syncs')}
            rows={syncs.rows ?? []}
            keyOf={(sync) => sync.name}
            columns={columns(queues.data?.items ?? [], schedules.data?.items ?? [])}
          />
          <More pages={syncs} what={t('syncs.moreSyncs')} />
        </List>
      </Panel>
    </Page>
  )
}

const columns = (queues: Queue[], schedules: Schedule[]): Column<Sync>[] => [
  {
    head: t('syncs.sync'),
    className: 'main-cell',
    cell: (sync) => (
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
  { head: t('syncs.state'), cell: (sync) => <State state={sync.state} title={sync.stateReason} /> },
  { head: t('syncs.lastRun'), cell: (sync) => <LastRun sync={sync} /> },
  { head: t('syncs.freshAsOf'), cell: (sync) => <Ago at={sync.lastSuccessAt} /> },
  {
    head: t('syncs.next'),
    cell: (sync) => <NextRun schedules={schedules.filter((schedule) => schedule.sync === sync.name)} />,
  },
  {
    head: t('syncs.backlog'),
    numeric: true,
    cell: (sync) => <Backlog sync={sync} queues={queues} />,
  },
  {
    head: t('syncs.deadLetters'),
    numeric: true,
    cell: (sync) =>
      sync.openDeadLetters === 0 ? (
        <span className="dim">0</span>
      ) : (
        <Link href={to.deadLetters({ sync: sync.name })}>{number(sync.openDeadLetters)}</Link>
      ),
  },
  { head: t('syncs.actions'), cell: (sync) => <SyncActions sync={sync} /> },
]

function LastRun({ sync: { lastRun } }: { sync: Sync }): ReactNode {
  if (lastRun === null) return <span className="dim">{t('syncs.never')}</span>
  return (
    <Link href={to.run(lastRun.id)} className="quiet">
      <State state={lastRun.outcome} /> <Ago at={lastRun.finishedAt ?? lastRun.startedAt} />
    </Link>
  )
}

/** What the sync could deliver now; a queue that was too long to count says "at least". */
function Backlog({ sync, queues }: { sync: Sync; queues: Queue[] }): ReactNode {
  const queue = queues.find(({ bySync }) => Object.hasOwn(bySync, sync.name))
  const waiting = queue?.bySync[sync.name] ?? 0
  if (queue === undefined || waiting === 0) return <span className="dim">0</span>
  return <Link href={to.queues(queue.connection)}>{`${number(waiting)}${queue.waitingCapped ? '+' : ''}`}</Link>
}

function NextRun({ schedules }: { schedules: Schedule[] }): ReactNode {
  const soonest = schedules.flatMap((schedule) => schedule.next.slice(0, 1)).sort()[0]
  if (soonest) return <Ago at={soonest} />
  const webhook = schedules.some((schedule) => schedule.kind === 'webhook')
  return <span className="dim">{webhook ? t('syncs.onWebhook') : t('syncs.byHand')}</span>
}
