import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAnswer, usePages } from '../api/queries.ts'
import type { DeadLetter, Items, Problem } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { FilterChoice, FilterMoment, Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { Ago } from '../parts/moment.tsx'
import { More } from '../parts/more.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { BulkDialog, type BulkFilter } from './bulk-dialog.tsx'

const FILTER = ['code', 'fingerprint', 'sync', 'connection', 'kind', 'recordId', 'assignee', 'before'] as const

export function DeadLetters(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', ...FILTER])
  const letters = usePages<DeadLetter>('/dead-letters', values)
  const [bulk, setBulk] = useState<'requeue' | 'discard' | null>(null)
  const { state, ...filter } = values
  const openOnes = (state ?? 'open') === 'open'
  const clearAny = any ? clear : undefined
  const bulkFilter = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null)) as BulkFilter
  return (
    <Page title="Dead letters">
      <ByProblem
        chosen={values}
        choose={({ code, fingerprint, connection }) => set({ code, fingerprint, connection, state: null })}
      />
      <Panel
        title={any ? 'Those that match' : 'All that are open'}
        aside={
          openOnes &&
          (letters.rows?.length ?? 0) > 0 && (
            <Group gap={6}>
              <ActionButton
                needs="letters:operate"
                size="compact-xs"
                variant="default"
                aria-haspopup="dialog"
                aria-keyshortcuts="r"
                onClick={() => setBulk('requeue')}
              >
                Requeue all of these…
              </ActionButton>
              <ActionButton
                needs="letters:operate"
                size="compact-xs"
                variant="default"
                onClick={() => setBulk('discard')}
              >
                Discard all of these…
              </ActionButton>
            </Group>
          )
        }
      >
        <Filters clear={clearAny}>
          <FilterChoice
            label="State"
            none="open"
            value={state}
            choices={['open', 'requeued', 'resolved', 'discarded']}
            onChange={(wanted) => set({ state: wanted })}
          />
          <FilterText label="Code" value={values.code} onChange={(code) => set({ code })} />
          <FilterText label="Sync" value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText label="Connection" value={values.connection} onChange={(connection) => set({ connection })} />
          <FilterChoice
            label="Kind"
            none="all"
            value={values.kind}
            choices={['pull', 'push', 'inbox']}
            onChange={(kind) => set({ kind })}
          />
          <FilterText label="Whose" value={values.assignee} onChange={(assignee) => set({ assignee })} />
          <FilterText label="Record id" value={values.recordId} onChange={(recordId) => set({ recordId })} />
          <FilterMoment label="Before" value={values.before} onChange={(before) => set({ before })} />
        </Filters>
        <List
          source={letters}
          count={letters.rows?.length}
          clear={clearAny}
          never={<p>No dead letter. Records that the hub cannot deliver without a person would be here.</p>}
        >
          <Table label="Dead letters" rows={letters.rows ?? []} keyOf={(letter) => letter.id} columns={COLUMNS} />
          <More pages={letters} what="Older dead letters" />
        </List>
      </Panel>
      {bulk && <BulkDialog verb={bulk} filter={bulkFilter} close={() => setBulk(null)} />}
    </Page>
  )
}

type Cause = Pick<Problem, 'code' | 'fingerprint' | 'connection'>
type Chosen = { code: string | null; fingerprint: string | null; connection: string | null }

/** The causes behind the open dead letters; choosing one filters the list below. */
function ByProblem({ chosen, choose }: { chosen: Chosen; choose: (cause: Cause) => void }): ReactNode {
  const answer = useAnswer<Items<Problem>>('/problems')
  const causes = answer.data?.items.filter((problem) => problem.status === 'dead')
  if (!causes?.length) return null
  const isChosen = (problem: Problem): boolean =>
    problem.code === chosen.code &&
    problem.fingerprint === chosen.fingerprint &&
    problem.connection === chosen.connection
  return (
    <Panel title="By cause">
      <Table
        label="Causes"
        rows={causes}
        keyOf={(problem) => `${problem.connection} ${problem.code} ${problem.fingerprint}`}
        columns={[
          {
            head: 'Cause',
            className: 'main-cell',
            cell: (problem) => (
              <>
                <button type="button" className="link" aria-pressed={isChosen(problem)} onClick={() => choose(problem)}>
                  {problem.meaning}
                </button>
                <p className="dim">{problem.action}</p>
              </>
            ),
          },
          { head: 'Connection', cell: (problem) => <Plain>{problem.connection ?? '–'}</Plain> },
          { head: 'Syncs', cell: (problem) => <Plain>{problem.syncs.join(', ') || '–'}</Plain> },
          { head: 'Count', numeric: true, cell: (problem) => problem.count.toLocaleString() },
          { head: 'First', cell: (problem) => <Ago at={problem.firstSeenAt} /> },
          { head: 'Last', cell: (problem) => <Ago at={problem.lastSeenAt} /> },
          { head: 'Code', cell: (problem) => <code>{problem.code}</code> },
        ]}
      />
    </Panel>
  )
}

const COLUMNS: Column<DeadLetter>[] = [
  { head: 'Dead letter', cell: (letter) => <Link href={to.deadLetter(letter.id)}>{letter.id}</Link> },
  {
    head: 'Record',
    cell: ({ stream, recordId }) =>
      recordId === null || stream === null ? (
        '–'
      ) : (
        <Link href={to.record(stream, recordId)} className="cut">
          <Plain>{recordId}</Plain>
        </Link>
      ),
  },
  { head: 'Error', className: 'main-cell', cell: (letter) => <ErrorLine error={letter.error} /> },
  { head: 'Sync or stream', cell: (letter) => <Plain>{letter.sync ?? letter.stream ?? '–'}</Plain> },
  { head: 'State', cell: (letter) => <State state={letter.state} title={letter.reason} /> },
  {
    head: 'Whose',
    cell: ({ assignee, note }) => (
      <span title={note ?? ''}>
        <Plain>{assignee ?? '–'}</Plain>
      </span>
    ),
  },
  { head: 'Tries', numeric: true, cell: (letter) => letter.attempts },
  { head: 'Since', cell: (letter) => <Ago at={letter.createdAt} /> },
]
