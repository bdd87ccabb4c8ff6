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

/** Finds a record in all streams by whatever identifies it. */
export function Records(): ReactNode {
  const { values, set, clear } = useFilters(['key', 'stream'])
  const found = useAnswer<Items<FoundRecord>>(values.key === null ? null : withQuery('/records', values))
  const rows = found.data?.items
  return (
    <Page title="Records">
      <Panel title="Search">
        <Filters clear={values.key !== null || values.stream !== null ? clear : undefined}>
          <FilterText
            wide
            label="Id, e-mail address, number: whatever identifies it"
            placeholder="ada@example.org"
            value={values.key}
            onChange={(key) => set({ key })}
          />
          <FilterText
            label="Only in stream"
            placeholder="crm:contacts"
            value={values.stream}
            onChange={(stream) => set({ stream })}
          />
        </Filters>
        {values.key === null ? (
          <p className="nothing">
            Looks into every stream: record ids, the fields syncs match by, and the ids records have in other systems.
          </p>
        ) : (
          <List source={found} count={rows?.length} clear={clear} never={null}>
            <Table
              label="Records found"
              rows={rows ?? []}
              keyOf={(record) => `${record.stream} ${record.id}`}
              columns={[
                {
                  head: 'Record',
                  className: 'main-cell',
                  cell: (record) => (
                    <Link href={to.record(record.stream, record.id)}>
                      <Plain>{record.id}</Plain>
                    </Link>
                  ),
                },
                { head: 'Stream', cell: (record) => <Plain>{record.stream}</Plain> },
                { head: 'Found by', cell: (record) => <Plain>{record.matched}</Plain> },
                { head: 'In the source', cell: (record) => <Presence deleted={record.deleted} /> },
                {
                  head: 'Deliveries',
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
                { head: 'Seen', cell: (record) => <Ago at={record.observedAt} none="–" /> },
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
  if (deleted === null) return <Mark tone="idle">not read</Mark>
  return deleted ? <Mark tone="idle">deleted</Mark> : <Mark tone="ok">present</Mark>
}
