import type { ReactNode } from 'react'
import { usePages } from '../api/queries.ts'
import type { Run } from '../api/types.ts'
import { FilterChoice, FilterMoment, Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { More } from '../parts/more.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { useFilters } from '../routing/place.ts'
import { t } from '../texts/index.ts'
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
    <Page title={t('runs.runs')}>
      <Panel title={t('runs.newestFirst')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('runs.kind')}
            none={t('runs.all')}
            value={values.kind}
            choices={KINDS}
            onChange={(kind) => set({ kind })}
          />
          <FilterChoice
            label={t('runs.outcome')}
            none={t('runs.all')}
            value={values.outcome}
            choices={OUTCOMES}
            onChange={(outcome) => set({ outcome })}
          />
          <FilterText label={t('runs.sync')} value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText label={t('runs.stream')} value={values.stream} onChange={(stream) => set({ stream })} />
          <FilterText
            label={t('runs.connection')}
            value={values.connection}
            onChange={(connection) => set({ connection })}
          />
          <FilterText label={t('runs.trigger')} value={values.trigger} onChange={(trigger) => set({ trigger })} />
          <FilterMoment label={t('runs.since')} value={values.since} onChange={(since) => set({ since })} />
          <FilterMoment label={t('runs.until')} value={values.until} onChange={(until) => set({ until })} />
        </Filters>
        <List source={runs} count={runs.rows?.length} clear={clearAny} never={<p>{t('runs.nothingHasRunYetRun')}</p>}>
          <RunTable rows={runs.rows ?? []} label={t('runs.runs')} />
          <More pages={runs} what={t('runs.olderRuns')} />
        </List>
      </Panel>
    </Page>
  )
}
