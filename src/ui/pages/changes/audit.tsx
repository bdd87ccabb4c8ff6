import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { useAction, usePages } from '../../api/queries.ts'
import { request } from '../../api/request.ts'
import type { AuditEntry, AuditVerdict } from '../../api/types.ts'
import { FilterMoment, Filters, FilterText } from '../../parts/filters.tsx'
import { JsonView } from '../../parts/json-view.tsx'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { At } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'

/** Who did what, when and why; and whether the trail is whole. */
export function Audit(): ReactNode {
  const { values, any, set, clear } = useFilters(['actor', 'action', 'subject', 'id', 'since', 'until'])
  const entries = usePages<AuditEntry>('/audit', values)
  const clearAny = any ? clear : undefined
  return (
    <Page title="Audit">
      <Panel title="Who did what" aside={<Verification />}>
        <Filters clear={clearAny}>
          <FilterText label="Who" placeholder="user:ada" value={values.actor} onChange={(actor) => set({ actor })} />
          <FilterText
            label="What"
            placeholder="sync.pause"
            value={values.action}
            onChange={(action) => set({ action })}
          />
          <FilterText
            label="On what"
            placeholder="sync:contacts"
            value={values.subject}
            onChange={(subject) => set({ subject })}
          />
          <FilterMoment label="Since" value={values.since} onChange={(since) => set({ since })} />
          <FilterMoment label="Until" value={values.until} onChange={(until) => set({ until })} />
        </Filters>
        <List
          source={entries}
          count={entries.rows?.length}
          clear={clearAny}
          never={<p>Nothing was done by anybody yet. Every deed of a person or program would be here.</p>}
        >
          <Table label="Audit" rows={entries.rows ?? []} keyOf={({ id }) => id} columns={COLUMNS} />
          <More pages={entries} what="Older entries" />
        </List>
      </Panel>
    </Page>
  )
}

const COLUMNS: Column<AuditEntry>[] = [
  {
    head: 'When',
    cell: ({ id, at }) => (
      // The address of this entry.
      <Link href={to.audit({ id: String(id) })} className="quiet">
        <At at={at} />
      </Link>
    ),
  },
  { head: 'Who', cell: ({ actor }) => <Plain>{actor}</Plain> },
  { head: 'What', cell: ({ action }) => <code>{action}</code> },
  { head: 'On what', className: 'main-cell', cell: ({ subject }) => <Plain>{subject}</Plain> },
  {
    head: 'Particulars',
    className: 'main-cell',
    cell: ({ id, detail }) =>
      detail === null || detail.text === '{}' ? (
        <span className="dim">–</span>
      ) : (
        <details open={new URLSearchParams(location.search).get('id') === String(id)}>
          <summary>Show</summary>
          <JsonView json={detail} label={`Particulars of entry ${id}`} none="None." />
        </details>
      ),
  },
]

/** Millions of rows are followed one by one. */
const PATIENCE_MS = 600_000

function Verification(): ReactNode {
  const verify = useAction(() => request<AuditVerdict>('/audit/verification', { patienceMs: PATIENCE_MS }))
  return (
    <div aria-live="polite" className="verification">
      {verify.error && <Trouble error={verify.error} />}
      {verify.data &&
        (verify.data.ok ? (
          <Mark tone="ok">{verify.data.rows.toLocaleString()} rows, none changed or missing</Mark>
        ) : (
          <Mark tone="bad">
            broken at {verify.data.brokenAt ?? 'the end'}: {verify.data.reason}
          </Mark>
        ))}
      <Button size="compact-xs" variant="default" loading={verify.isPending} onClick={() => verify.mutate(undefined)}>
        Verify the trail
      </Button>
    </div>
  )
}
