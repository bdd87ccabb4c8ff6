import type { ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import { withQuery } from '../api/request.ts'
import type { FoundRecord, Items } from '../api/types.ts'
import { Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { Mark, State } from '../parts/mark.tsx'
import { Ago } from '../parts/moment.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { t } from '../texts/index.ts'

/** Finds a record in all streams by whatever identifies it. */
export function Records(): ReactNode {
  const { values, set, clear } = useFilters(['key', 'stream'])
  const found = useAnswer<Items<FoundRecord>>(values.key === null ? null : withQuery('/records', values))
  const rows = found.data?.items
  return (
    <Page title={t('records.records')}>
      <Panel title={t('records.search')}>
        <Filters clear={values.key !== null || values.stream !== null ? clear : undefined}>
          <FilterText
            wide
            label={t('records.idEMailAddressNumber')}
            placeholder={t('records.adaExampleOrg')}
            value={values.key}
            onChange={(key) => set({ key })}
          />
          <FilterText
            label={t('records.onlyInStream')}
            placeholder={t('records.crmContacts')}
            value={values.stream}
            onChange={(stream) => set({ stream })}
          />
        </Filters>
        {values.key === null ? (
          <p className="nothing">{t('records.looksIntoEveryStreamRecord')}</p>
        ) : (
          <List source={found} count={rows?.length} clear={clear} never={null}>
            <Table
              label={t('records.recordsFound')}
              rows={rows ?? []}
              keyOf={(record) => `${record.stream} ${record.id}`}
              columns={[
                {
                  head: t('records.record'),
                  className: 'main-cell',
                  cell: (record) => (
                    <Link href={to.record(record.stream, record.id)}>
                      <Plain>{record.id}</Plain>
                    </Link>
                  ),
                },
                { head: t('records.stream'), cell: (record) => <Plain>{record.stream}</Plain> },
                { head: t('records.foundBy'), cell: (record) => <Plain>{record.matched}</Plain> },
                { head: t('records.inTheSource'), cell: (record) => <Presence deleted={record.deleted} /> },
                {
                  head: t('records.deliveries'),
                  cell: ({ deliveries }) => (
                    <span className="marks">
                      {Object.entries(deliveries).map(([state, count]) => (
                        <span key={state}>
                          <State state={state} /> {count}
                        </span>
                      ))}
                    </span>
                  ),
                },
                { head: t('records.seen'), cell: (record) => <Ago at={record.observedAt} none="–" /> },
              ]}
            />
          </List>
        )}
      </Panel>
    </Page>
  )
}

/** The log may know nothing of a record that only a link names. */
export function Presence({ deleted }: { deleted: boolean | null }): ReactNode {
  if (deleted === null) return <Mark tone="idle">{t('records.notRead')}</Mark>
  return deleted ? <Mark tone="idle">{t('records.deleted')}</Mark> : <Mark tone="ok">{t('records.present')}</Mark>
}
