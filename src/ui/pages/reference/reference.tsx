import { lazy, type ReactNode, Suspense } from 'react'
import { Filters, FilterText } from '../../parts/filters.tsx'
import { Loading } from '../../parts/list.tsx'
import { notGiven } from '../../parts/not-given.tsx'
import { Page } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { useFilters } from '../../routing/place.ts'
import { rich, t } from '../../texts/index.ts'
import { operationsWith, useDocument } from './document.ts'

const Operations = lazy(() => import('./operations.tsx').catch(notGiven))

/** Everything that a program can ask of this hub, from the document that the hub makes of its own checks. */
export function Reference(): ReactNode {
  const { values, any, set, clear } = useFilters(['search'])
  const { data, error, isPending, refetch } = useDocument()
  const search = values.search ?? ''
  return (
    <Page title={t('reference.apiReference')}>
      <p className="dim">
        {rich('reference.madeFromTheDocument', { link: (text) => <a href="/openapi.json">{text}</a> })}
      </p>
      <Filters clear={any ? clear : undefined}>
        <FilterText
          wide
          label={t('reference.search')}
          placeholder={t('reference.wordsOfAnOperation')}
          value={values.search}
          onChange={(words) => set({ search: words })}
        />
      </Filters>
      {error && <Trouble error={error} retry={() => void refetch()} />}
      {isPending && <Loading />}
      {data && (
        <>
          <p role="status">
            {t('reference.countOfOperations', {
              found: operationsWith(data, search).size,
              all: operationsWith(data, '').size,
            })}
          </p>
          <Suspense fallback={<Loading />}>
            <Operations document={data} search={search} />
          </Suspense>
        </>
      )}
    </Page>
  )
}
