import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { ConnectorSummary, Items } from '../../api/types.ts'
import { Filters, FilterText } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'

/** The catalogue changes with the files of the hub only. */
const EVERY_MS = 60_000

export function Connectors(): ReactNode {
  const { values, any, set, clear } = useFilters(['name'])
  const answer = useAnswer<Items<ConnectorSummary>>('/connectors', EVERY_MS)
  const wanted = values.name?.toLowerCase() ?? ''
  const rows = answer.data?.items.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted))
  return (
    <Page title={t('connectors.connectors')}>
      <Panel title={t('connectors.catalogue')}>
        <Filters clear={any ? clear : undefined}>
          <FilterText label={t('connectors.name')} value={values.name} onChange={(name) => set({ name })} />
        </Filters>
        <List
          source={answer}
          count={rows?.length}
          clear={any ? clear : undefined}
          never={<p>{t('connectors.noConnectorThoseOfThe')}</p>}
        >
          <Table
            label={t('connectors.connectors')}
            rows={rows ?? []}
            keyOf={({ name }) => name}
            columns={[
              {
                head: t('connectors.connector2'),
                className: 'main-cell',
                cell: ({ name, title, description }) => (
                  <>
                    <Link href={to.connector(name)}>
                      <Plain>{title}</Plain>
                    </Link>
                    {description && (
                      <p className="dim">
                        <Plain>{description}</Plain>
                      </p>
                    )}
                  </>
                ),
              },
              { head: t('connectors.protocol'), cell: ({ protocol }) => <code>{protocol}</code> },
              { head: t('connectors.version'), cell: ({ version }) => version ?? '–' },
              {
                head: t('connectors.streams'),
                className: 'main-cell',
                cell: ({ streams }) => <Plain>{streams.join(', ')}</Plain>,
              },
            ]}
          />
        </List>
      </Panel>
    </Page>
  )
}
