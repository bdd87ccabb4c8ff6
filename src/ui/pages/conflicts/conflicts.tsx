import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { JsonText } from '../../api/json-text.ts'
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
import { ResolveDialog } from './resolve-dialog.tsx'

/** Fields that both sides of a two-way sync changed to something else. */
export function Conflicts(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', 'sync', 'field', 'record'])
  const conflicts = usePages<Conflict>('/conflicts', values)
  const [asked, setAsked] = useState<Asked | null>(null)
  const clearAny = any ? clear : undefined
  return (
    <Page title="Conflicts">
      <Panel title="Changed on both sides">
        <Filters clear={clearAny}>
          <FilterChoice
            label="State"
            none="open"
            value={values.state}
            choices={['decided', 'settled']}
            onChange={(state) => set({ state })}
          />
          <FilterText label="Sync" value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText label="Field" value={values.field} onChange={(field) => set({ field })} />
          <FilterText label="Record id" value={values.record} onChange={(record) => set({ record })} />
        </Filters>
        <List
          source={conflicts}
          count={conflicts.rows?.length}
          clear={clearAny}
          never={
            <p>No conflict. Fields of two-way syncs that both sides changed, and that ask a person, would be here.</p>
          }
        >
          <Table
            label="Conflicts"
            rows={conflicts.rows ?? []}
            keyOf={(conflict) => conflict.id}
            columns={columns(setAsked)}
          />
          <More pages={conflicts} what="Older conflicts" />
        </List>
      </Panel>
      {asked && <ResolveDialog {...asked} close={() => setAsked(null)} />}
    </Page>
  )
}

type Asked = { conflict: Conflict; alike: boolean }

const columns = (ask: (asked: Asked) => void): Column<Conflict>[] => [
  {
    head: 'Field',
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
  { head: 'Agreed before', cell: ({ agreedValue }) => <Value json={agreedValue} /> },
  { head: 'From says', cell: ({ fromValue }) => <Value json={fromValue} /> },
  { head: 'To says', cell: ({ toValue }) => <Value json={toValue} /> },
  { head: 'Found', cell: ({ foundAt }) => <Ago at={foundAt} /> },
  {
    head: 'Decision',
    cell: (conflict) =>
      conflict.state === 'open' ? (
        <Group gap={6} wrap="nowrap">
          <ActionButton
            needs="records:write"
            size="compact-xs"
            variant="default"
            aria-label={`Decide conflict ${conflict.id}`}
            onClick={() => ask({ conflict, alike: false })}
          >
            Decide…
          </ActionButton>
          <ActionButton
            needs="records:write"
            size="compact-xs"
            variant="default"
            aria-label={`All like this: conflict ${conflict.id}`}
            onClick={() => ask({ conflict, alike: true })}
          >
            All like this…
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
        {conflict.decision && `${conflict.decision} wins`}
        {conflict.actor && (
          <>
            {' '}
            by <Plain>{conflict.actor}</Plain>
          </>
        )}
        {conflict.note && (
          <>
            : <Plain>{conflict.note}</Plain>
          </>
        )}
      </p>
    </>
  )
}

/** A value as JSON spells it; long ones in a box of their own. */
export function Value({ json }: { json: JsonText | null }): ReactNode {
  return json === null ? (
    <span className="dim">none</span>
  ) : (
    <code className="value">
      <Plain>{json.text}</Plain>
    </code>
  )
}
