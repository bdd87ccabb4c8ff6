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
import { rich, t } from '../../texts/index.ts'
import { Versions } from './versions.tsx'

/** What the hub works with, since when, and the plans that made it so. */
export function Changes(): ReactNode {
  const mayAudit = useLack('audit:read') === null
  return (
    <Page title={t('changes.changes')}>
      <Versions />
      {mayAudit && <Applied />}
      <Configuration />
    </Page>
  )
}

function Applied(): ReactNode {
  const entries = usePages<AuditEntry>('/audit', { action: 'configuration.apply' })
  return (
    <Panel
      title={t('changes.plansThatWereApplied')}
      aside={<Link href={to.audit()}>{t('changes.theWholeAudit')}</Link>}
    >
      <List
        source={entries}
        count={entries.rows?.length}
        never={
          <p>
            {rich('changes.noneYetThen', {
              code: <code>causeway plan --out FILE</code>,
              code2: <code>causeway apply FILE</code>,
            })}
          </p>
        }
      >
        <Table
          label={t('changes.appliedPlans')}
          rows={entries.rows ?? []}
          keyOf={({ id }) => id}
          columns={[
            { head: t('changes.when'), cell: ({ at }) => <At at={at} /> },
            { head: t('changes.who'), cell: ({ actor }) => <Plain>{actor}</Plain> },
            {
              head: t('changes.whatChanged'),
              className: 'main-cell',
              cell: ({ id, detail }) => (
                <JsonView json={detail} label={t('changes.plan', { id })} none={t('changes.nothing')} />
              ),
            },
          ]}
        />
        <More pages={entries} what={t('changes.olderPlans')} />
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
    <Panel title={t('changes.whatTheHubWorksWith')}>
      <Filters clear={any ? clear : undefined}>
        <FilterChoice
          label={t('changes.kind')}
          none={t('changes.all')}
          value={values.kind}
          choices={KINDS}
          onChange={(kind) => set({ kind })}
        />
        <FilterText label={t('changes.name')} value={values.name} onChange={(name) => set({ name })} />
      </Filters>
      <List
        source={answer}
        count={rows?.length}
        clear={any ? clear : undefined}
        never={<p>{t('changes.theHubHasNotRead')}</p>}
      >
        <Table
          label={t('changes.configuration')}
          rows={rows ?? []}
          keyOf={({ kind, name }) => `${kind} ${name}`}
          columns={[
            { head: t('changes.since'), cell: ({ since }) => <Ago at={since} /> },
            { head: t('changes.kind'), cell: ({ kind }) => kind },
            { head: t('changes.name'), cell: ({ name }) => <Plain>{name}</Plain> },
            {
              head: t('changes.fields'),
              className: 'main-cell',
              cell: ({ fields, name }) => (
                <details>
                  <summary>{t('changes.fields2', { count: Object.keys(fields).length })}</summary>
                  <JsonView
                    json={{ text: JSON.stringify(fields) }}
                    label={t('changes.fieldsOf', { name })}
                    none={t('changes.none')}
                  />
                </details>
              ),
            },
          ]}
        />
      </List>
    </Panel>
  )
}
