import type { ReactNode } from 'react'
import { useLack } from '../../api/may.ts'
import { useAnswer, usePages } from '../../api/queries.ts'
import type { AuditEntry, ConfigurationItem, Items } from '../../api/types.ts'
import { FilterChoice, Filters, FilterText } from '../../parts/filters.tsx'
import { JsonView } from '../../parts/json-view.tsx'
import { List } from '../../parts/list.tsx'
import { Ago, At } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'

/** What the hub works with, since when, and the plans that made it so. */
export function Changes(): ReactNode {
  const mayAudit = useLack('audit:read') === null
  return (
    <Page title="Changes">
      {mayAudit && <Applied />}
      <Configuration />
    </Page>
  )
}

function Applied(): ReactNode {
  const entries = usePages<AuditEntry>('/audit', { action: 'configuration.apply' })
  return (
    <Panel title="Plans that were applied" aside={<Link href={to.audit()}>The whole audit</Link>}>
      <List
        source={entries}
        count={entries.rows?.length}
        never={
          <p>
            None yet. <code>causeway plan --out FILE</code>, then <code>causeway apply FILE</code>.
          </p>
        }
      >
        <Table
          label="Applied plans"
          rows={entries.rows ?? []}
          keyOf={({ id }) => id}
          columns={[
            { head: 'When', cell: ({ at }) => <At at={at} /> },
            { head: 'Who', cell: ({ actor }) => <Plain>{actor}</Plain> },
            {
              head: 'What changed',
              className: 'main-cell',
              cell: ({ id, detail }) => <JsonView json={detail} label={`Plan ${id}`} none="Nothing." />,
            },
          ]}
        />
        <More pages={entries} what="Older plans" />
      </List>
    </Panel>
  )
}

const KINDS = ['connection', 'connector', 'sync']

function Configuration(): ReactNode {
  const { values, any, set, clear } = useFilters(['kind', 'name'])
  const answer = useAnswer<Items<ConfigurationItem>>('/configuration', 30_000)
  const rows = answer.data?.items
    .filter(({ kind, name }) => (values.kind ?? kind) === kind && name.includes(values.name ?? ''))
    .sort((a, b) => b.since.localeCompare(a.since))
  return (
    <Panel title="What the hub works with, newest change first">
      <Filters clear={any ? clear : undefined}>
        <FilterChoice label="Kind" none="all" value={values.kind} choices={KINDS} onChange={(kind) => set({ kind })} />
        <FilterText label="Name" value={values.name} onChange={(name) => set({ name })} />
      </Filters>
      <List
        source={answer}
        count={rows?.length}
        clear={any ? clear : undefined}
        never={<p>The hub has not read its files yet.</p>}
      >
        <Table
          label="Configuration"
          rows={rows ?? []}
          keyOf={({ kind, name }) => `${kind} ${name}`}
          columns={[
            { head: 'Since', cell: ({ since }) => <Ago at={since} /> },
            { head: 'Kind', cell: ({ kind }) => kind },
            { head: 'Name', cell: ({ name }) => <Plain>{name}</Plain> },
            {
              head: 'Fields',
              className: 'main-cell',
              cell: ({ fields, name }) => (
                <details>
                  <summary>{Object.keys(fields).length} fields</summary>
                  <JsonView json={{ text: JSON.stringify(fields) }} label={`Fields of ${name}`} none="None." />
                </details>
              ),
            },
          ]}
        />
      </List>
    </Panel>
  )
}
