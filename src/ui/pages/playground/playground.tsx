import { NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Page as PageOf, Sync, SyncDetail } from '../../api/types.ts'
import { List, Loading } from '../../parts/list.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { useFilters } from '../../routing/place.ts'
import { t } from '../../texts/index.ts'
import { Bench } from './bench.tsx'

/** A mapping tried on real records: nothing is kept, nothing is sent. */
export function Playground(): ReactNode {
  const { values, set } = useFilters(['sync', 'record', 'letter'])
  const syncs = useAnswer<PageOf<Sync>>('/syncs?limit=500', 60_000)
  return (
    <Page title={t('playground.playground')}>
      <List source={syncs} count={syncs.data?.items.length} never={<p>{t('playground.noSyncYetAMapping')}</p>}>
        <Panel title={t('playground.whichMapping')}>
          <NativeSelect
            label={t('playground.sync')}
            size="xs"
            className="choice"
            value={values.sync ?? ''}
            onChange={(event) => set({ sync: event.currentTarget.value || null, record: null, letter: null })}
            data={[
              { value: '', label: t('playground.chooseOne') },
              ...(syncs.data?.items ?? []).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
        </Panel>
      </List>
      {values.sync && <OfSync key={values.sync} sync={values.sync} />}
    </Page>
  )
}

function OfSync({ sync }: { sync: string }): ReactNode {
  const answer = useAnswer<SyncDetail>(`/syncs/${encodeURIComponent(sync)}`, 60_000)
  if (answer.data?.definition) return <Bench sync={sync} running={answer.data.definition.source} />
  if (answer.error) return <Trouble error={answer.error} retry={() => void answer.refetch()} />
  return answer.data ? <p className="nothing">{t('playground.noFileDefinesThisSync')}</p> : <Loading />
}
