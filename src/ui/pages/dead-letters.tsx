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
import { Said } from '../parts/said.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { number, sentence, t } from '../texts/index.ts'
import { BulkActions } from './bulk/actions.tsx'
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
    <Page title={t('deadLetters.deadLetters')}>
      <BulkActions of="dead_letters" />
      <ByProblem
        chosen={values}
        choose={({ code, fingerprint, connection }) => set({ code, fingerprint, connection, state: null })}
      />
      <Panel
        title={any ? t('deadLetters.thoseThatMatch') : t('deadLetters.allThatAreOpen')}
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
                {t('deadLetters.requeueAllOfThese')}
              </ActionButton>
              <ActionButton
                needs="letters:operate"
                size="compact-xs"
                variant="default"
                onClick={() => setBulk('discard')}
              >
                {t('deadLetters.discardAllOfThese')}
              </ActionButton>
            </Group>
          )
        }
      >
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('deadLetters.state')}
            none={t('deadLetters.open')}
            value={state}
            choices={['open', 'requeued', 'resolved', 'discarded']}
            onChange={(wanted) => set({ state: wanted })}
          />
          <FilterText label={t('deadLetters.code')} value={values.code} onChange={(code) => set({ code })} />
          <FilterText label={t('deadLetters.sync')} value={values.sync} onChange={(sync) => set({ sync })} />
          <FilterText
            label={t('deadLetters.connection')}
            value={values.connection}
            onChange={(connection) => set({ connection })}
          />
          <FilterChoice
            label={t('deadLetters.kind')}
            none={t('deadLetters.all')}
            value={values.kind}
            choices={['pull', 'push', 'inbox']}
            onChange={(kind) => set({ kind })}
          />
          <FilterText
            label={t('deadLetters.whose')}
            value={values.assignee}
            onChange={(assignee) => set({ assignee })}
          />
          <FilterText
            label={t('deadLetters.recordId')}
            value={values.recordId}
            onChange={(recordId) => set({ recordId })}
          />
          <FilterMoment label={t('deadLetters.before')} value={values.before} onChange={(before) => set({ before })} />
        </Filters>
        <List
          source={letters}
          count={letters.rows?.length}
          clear={clearAny}
          never={<p>{t('deadLetters.noDeadLetterRecordsThat')}</p>}
        >
          <Table
            label={t('deadLetters.deadLetters')}
            rows={letters.rows ?? []}
            keyOf={(letter) => letter.id}
            columns={COLUMNS}
          />
          <More pages={letters} what={t('deadLetters.olderDeadLetters')} />
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
    <Panel title={t('deadLetters.byCause')}>
      <Table
        label={t('deadLetters.causes')}
        rows={causes}
        keyOf={(problem) => `${problem.connection} ${problem.code} ${problem.fingerprint}`}
        columns={[
          {
            head: t('deadLetters.cause'),
            className: 'main-cell',
            cell: (problem) => (
              <>
                <button type="button" className="link" aria-pressed={isChosen(problem)} onClick={() => choose(problem)}>
                  {sentence(problem.meaning)}
                </button>
                <p className="dim">
                  <Said>{problem.action}</Said>
                </p>
              </>
            ),
          },
          { head: t('deadLetters.connection'), cell: (problem) => <Plain>{problem.connection ?? '–'}</Plain> },
          { head: t('deadLetters.syncs'), cell: (problem) => <Plain>{problem.syncs.join(', ') || '–'}</Plain> },
          { head: t('deadLetters.count'), numeric: true, cell: (problem) => number(problem.count) },
          { head: t('deadLetters.first'), cell: (problem) => <Ago at={problem.firstSeenAt} /> },
          { head: t('deadLetters.last'), cell: (problem) => <Ago at={problem.lastSeenAt} /> },
          { head: t('deadLetters.code'), cell: (problem) => <code>{problem.code}</code> },
        ]}
      />
    </Panel>
  )
}

const COLUMNS: Column<DeadLetter>[] = [
  { head: t('deadLetters.deadLetter'), cell: (letter) => <Link href={to.deadLetter(letter.id)}>{letter.id}</Link> },
  {
    head: t('deadLetters.record'),
    cell: ({ stream, recordId }) =>
      recordId === null || stream === null ? (
        '–'
      ) : (
        <Link href={to.record(stream, recordId)} className="cut">
          <Plain>{recordId}</Plain>
        </Link>
      ),
  },
  { head: t('deadLetters.error'), className: 'main-cell', cell: (letter) => <ErrorLine error={letter.error} /> },
  { head: t('deadLetters.syncOrStream'), cell: (letter) => <Plain>{letter.sync ?? letter.stream ?? '–'}</Plain> },
  { head: t('deadLetters.state'), cell: (letter) => <State state={letter.state} title={letter.reason} /> },
  {
    head: t('deadLetters.whose'),
    cell: ({ assignee, note }) => (
      <span title={note ?? ''}>
        <Plain>{assignee ?? '–'}</Plain>
      </span>
    ),
  },
  { head: t('deadLetters.tries'), numeric: true, cell: (letter) => letter.attempts },
  { head: t('deadLetters.since'), cell: (letter) => <Ago at={letter.createdAt} /> },
]
