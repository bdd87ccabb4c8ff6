import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { usePages } from '../../api/queries.ts'
import type { Conflict } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { FilterChoice, Filters, FilterText } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { rich, t, word } from '../../texts/index.ts'
import { BulkActions } from '../bulk/actions.tsx'
import { ResolveDialog } from './resolve-dialog.tsx'
import { Value } from './value.tsx'

/** Fields that both sides of a two-way sync changed to something else. */
export function Conflicts(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', 'sync', 'field', 'record'])
  const conflicts = usePages<Conflict>('/conflicts', values)
  const [asked, setAsked] = useState<Asked | null>(null)
  const [columns] = useState(() => columnsWith(setAsked))
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('conflicts.conflicts')}>
      <BulkActions of="conflicts" />
      <Panel title={t('conflicts.changedOnBothSides')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('conflicts.state')}
            none={t('conflicts.open')}
            value={values.state}
            choices={['decided', 'settled']}
            onChange={(state) => set({ state })}
          />
          <FilterText label={t('conflicts.sync')} value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText label={t('conflicts.field')} value={values.field} onChange={(field) => set({ field })} />
          <FilterText label={t('conflicts.recordId')} value={values.record} onChange={(record) => set({ record })} />
        </Filters>
        <List
          source={conflicts}
          count={conflicts.rows?.length}
          clear={clearAny}
          never={<p>{t('conflicts.noConflictFieldsOfTwo')}</p>}
        >
          <Table
            label={t('conflicts.conflicts')}
            rows={conflicts.rows ?? []}
            keyOf={(conflict) => conflict.id}
            columns={columns}
          />
          <More pages={conflicts} what={t('conflicts.olderConflicts')} />
        </List>
      </Panel>
      {asked && <ResolveDialog {...asked} close={() => setAsked(null)} />}
    </Page>
  )
}

type Asked = { conflict: Conflict; alike: boolean }

const columnsWith = (ask: (asked: Asked) => void): Column<Conflict>[] => [
  {
    head: t('conflicts.field'),
    className: 'main-cell',
    cell: ({ field, sync, fromId, toId }) => (
      <>
        <b>
          <Plain>{field}</Plain>
        </b>
        <p className="dim">
          <Link href={to.sync(sync)}>
            <Plain>{sync}</Plain>
          </Link>{' '}
          · <Plain>{`${fromId} ↔ ${toId}`}</Plain>
        </p>
      </>
    ),
  },
  { head: t('conflicts.agreedBefore'), cell: ({ agreedValue }) => <Value json={agreedValue} /> },
  { head: t('conflicts.fromSays'), cell: ({ fromValue }) => <Value json={fromValue} /> },
  { head: t('conflicts.toSays'), cell: ({ toValue }) => <Value json={toValue} /> },
  { head: t('conflicts.found'), cell: ({ foundAt }) => <Ago at={foundAt} /> },
  {
    head: t('conflicts.decision'),
    cell: (conflict) =>
      conflict.state === 'open' ? (
        <Group gap={6} wrap="nowrap">
          <ActionButton
            needs="records:write"
            size="compact-xs"
            variant="default"
            aria-label={t('conflicts.decideConflict', { id: conflict.id })}
            onClick={() => ask({ conflict, alike: false })}
          >
            {t('conflicts.decide')}
          </ActionButton>
          <ActionButton
            needs="records:write"
            size="compact-xs"
            variant="default"
            aria-label={t('conflicts.allLikeThisConflict', { id: conflict.id })}
            onClick={() => ask({ conflict, alike: true })}
          >
            {t('conflicts.allLikeThis')}
          </ActionButton>
        </Group>
      ) : (
        <Decided conflict={conflict} />
      ),
  },
]

function Decided({ conflict }: { conflict: Conflict }): ReactNode {
  return (
    <>
      <State state={conflict.state} />
      <p className="dim">
        {conflict.decision && t('conflicts.wins', { decision: word('words', conflict.decision) })}
        {conflict.actor && rich('conflicts.by', { name: <Plain>{conflict.actor}</Plain> })}
        {conflict.note && (
          <>
            : <Plain>{conflict.note}</Plain>
          </>
        )}
      </p>
    </>
  )
}
