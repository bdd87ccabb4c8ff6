import type { ReactNode } from 'react'
import { usePages } from '../api/queries.ts'
import type { Run } from '../api/types.ts'
import { FilterChoice, FilterMoment, Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { More } from '../parts/more.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { useFilters } from '../routing/place.ts'
import { RunTable } from './run-table.tsx'

const KINDS: Run['kind'][] = ['pull', 'push', 'inbox']
const OUTCOMES: Run['outcome'][] = [
  'running',
  'success',
  'partial',
  'failed',
  'held',
  'cancelled',
  'waiting',
  'interrupted',
  'unknown',
]

export function Runs(): ReactNode {
  const { values, any, set, clear } = useFilters([
    'kind',
    'outcome',
    'sync',
    'stream',
    'connection',
    'trigger',
    'requestId',
    'since',
    'until',
  ])
  const runs = usePages<Run>('/runs', values)
  const clearAny = any ? clear : undefined
  return (
    <Page title="Runs">
      <Panel title="Newest first">
        <Filters clear={clearAny}>
          <FilterChoice
            label="Kind"
            none="all"
            value={values.kind}
            choices={KINDS}
            onChange={(kind) => set({ kind })}
          />
          <FilterChoice
            label="Outcome"
            none="all"
            value={values.outcome}
            choices={OUTCOMES}
            onChange={(outcome) => set({ outcome })}
          />
          <FilterText label="Sync" value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText label="Stream" value={values.stream} onChange={(stream) => set({ stream })} />
          <FilterText label="Connection" value={values.connection} onChange={(connection) => set({ connection })} />
          <FilterText label="Trigger" value={values.trigger} onChange={(trigger) => set({ trigger })} />
          <FilterMoment label="Since" value={values.since} onChange={(since) => set({ since })} />
          <FilterMoment label="Until" value={values.until} onChange={(until) => set({ until })} />
        </Filters>
        <List
          source={runs}
          count={runs.rows?.length}
          clear={clearAny}
          never={<p>Nothing has run yet. Run a sync, or wait for its timetable.</p>}
        >
          <RunTable rows={runs.rows ?? []} label="Runs" />
          <More pages={runs} what="Older runs" />
        </List>
      </Panel>
    </Page>
  )
}
