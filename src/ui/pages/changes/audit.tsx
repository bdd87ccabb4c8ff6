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
import { t } from '../../texts/index.ts'

/** Who did what, when and why; and whether the trail is whole. */
export function Audit(): ReactNode {
  const { values, any, set, clear } = useFilters(['actor', 'action', 'subject', 'id', 'since', 'until'])
  const entries = usePages<AuditEntry>('/audit', values)
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('changes.audit')}>
      <Panel title={t('changes.whoDidWhat')} aside={<Verification />}>
        <Filters clear={clearAny}>
          <FilterText
            label={t('changes.who')}
            placeholder={t('changes.userAda')}
            value={values.actor}
            onChange={(actor) => set({ actor })}
          />
          <FilterText
            label={t('changes.what')}
            placeholder={t('changes.syncPause')}
            value={values.action}
            onChange={(action) => set({ action })}
          />
          <FilterText
            label={t('changes.onWhat')}
            placeholder={t('changes.syncContacts')}
            value={values.subject}
            onChange={(subject) => set({ subject })}
          />
          <FilterMoment label={t('changes.since')} value={values.since} onChange={(since) => set({ since })} />
          <FilterMoment label={t('changes.until')} value={values.until} onChange={(until) => set({ until })} />
        </Filters>
        <List
          source={entries}
          count={entries.rows?.length}
          clear={clearAny}
          never={<p>{t('changes.nothingWasDoneByAnybody')}</p>}
        >
          <Table label={t('changes.audit')} rows={entries.rows ?? []} keyOf={({ id }) => id} columns={COLUMNS} />
          <More pages={entries} what={t('changes.olderEntries')} />
        </List>
      </Panel>
    </Page>
  )
}

const COLUMNS: Column<AuditEntry>[] = [
  {
    head: t('changes.when'),
    cell: ({ id, at }) => (
      // The address of this entry.
      <Link href={to.audit({ id: String(id) })} className="quiet">
        <At at={at} />
      </Link>
    ),
  },
  { head: t('changes.who'), cell: ({ actor }) => <Plain>{actor}</Plain> },
  { head: t('changes.what'), cell: ({ action }) => <code>{action}</code> },
  { head: t('changes.onWhat'), className: 'main-cell', cell: ({ subject }) => <Plain>{subject}</Plain> },
  {
    head: t('changes.particulars'),
    className: 'main-cell',
    cell: ({ id, detail }) =>
      detail === null || detail.text === '{}' ? (
        <span className="dim">–</span>
      ) : (
        <details open={new URLSearchParams(location.search).get('id') === String(id)}>
          <summary>{t('changes.show')}</summary>
          <JsonView json={detail} label={t('changes.particularsOfEntry', { id })} none={t('changes.none')} />
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
          <Mark tone="ok">{t('changes.rowsNoneChangedOrMissing', { rows: verify.data.rows })}</Mark>
        ) : (
          <Mark tone="bad">
            {t('changes.brokenAt', { value: verify.data.brokenAt ?? t('changes.theEnd'), reason: verify.data.reason })}
          </Mark>
        ))}
      <Button size="compact-xs" variant="default" loading={verify.isPending} onClick={() => verify.mutate(undefined)}>
        {t('changes.verifyTheTrail')}
      </Button>
    </div>
  )
}
