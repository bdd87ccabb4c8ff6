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

/** The catalogue changes with the files of the hub only. */
const EVERY_MS = 60_000

export function Connectors(): ReactNode {
  const { values, any, set, clear } = useFilters(['name'])
  const answer = useAnswer<Items<ConnectorSummary>>('/connectors', EVERY_MS)
  const wanted = values.name?.toLowerCase() ?? ''
  const rows = answer.data?.items.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted))
  return (
    <Page title="Connectors">
      <Panel title="Catalogue">
        <Filters clear={any ? clear : undefined}>
          <FilterText label="Name" value={values.name} onChange={(name) => set({ name })} />
        </Filters>
        <List
          source={answer}
          count={rows?.length}
          clear={any ? clear : undefined}
          never={<p>No connector. Those of the package and those in the folder of the hub would be here.</p>}
        >
          <Table
            label="Connectors"
            rows={rows ?? []}
            keyOf={({ name }) => name}
            columns={[
              {
                head: 'Connector',
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
              { head: 'Protocol', cell: ({ protocol }) => <code>{protocol}</code> },
              { head: 'Version', cell: ({ version }) => version ?? '–' },
              { head: 'Streams', className: 'main-cell', cell: ({ streams }) => <Plain>{streams.join(', ')}</Plain> },
            ]}
          />
        </List>
      </Panel>
    </Page>
  )
}
