import type { ReactNode } from 'react'
import { usePages } from '../../api/queries.ts'
import type { TimelineEntry } from '../../api/types.ts'
import { FilterChoice, FilterMoment, Filters } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { Mark, State } from '../../parts/mark.tsx'
import { At } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { t, word } from '../../texts/index.ts'

const KINDS: Record<string, 'deed' | 'run'> = { [t('timeline.deed')]: 'deed', [t('timeline.run')]: 'run' }

/** What happened before it broke: runs, changes of the configuration, credentials, pauses and bulk actions, in one list. */
export function Timeline(): ReactNode {
  const { values, any, set, clear } = useFilters(['kind', 'since', 'until'])
  const entries = usePages<TimelineEntry>('/timeline', values)
  const clearAny = any ? clear : undefined
  const chosen = Object.entries(KINDS).find(([, kind]) => kind === values.kind)?.[0] ?? null
  return (
    <Page title={t('timeline.timeline')}>
      <Panel title={t('timeline.whatHappenedNewestFirst')}>
        <Filters clear={clearAny}>
          <FilterChoice
            label={t('timeline.only')}
            none={t('timeline.all')}
            value={chosen}
            choices={Object.keys(KINDS)}
            onChange={(kind) => set({ kind: kind === null ? null : (KINDS[kind] ?? null) })}
          />
          <FilterMoment label={t('timeline.since')} value={values.since} onChange={(since) => set({ since })} />
          <FilterMoment label={t('timeline.until')} value={values.until} onChange={(until) => set({ until })} />
        </Filters>
        <List
          source={entries}
          count={entries.rows?.length}
          clear={clearAny}
          never={<p>{t('timeline.nothingHasHappenedYetRuns')}</p>}
        >
          <Table
            label={t('timeline.timeline')}
            rows={entries.rows ?? []}
            keyOf={({ kind, id }) => `${kind} ${id}`}
            columns={COLUMNS}
          />
          <More pages={entries} what={t('timeline.earlier')} />
        </List>
      </Panel>
    </Page>
  )
}

const COLUMNS: Column<TimelineEntry>[] = [
  {
    head: t('timeline.when'),
    cell: (entry) => (
      <Link href={addressOf(entry)}>
        <At at={entry.at} />
      </Link>
    ),
  },
  {
    head: t('timeline.what'),
    cell: ({ kind, what }) =>
      kind === 'run' ? t('timeline.run2', { what: word('words', what) }) : <code>{what}</code>,
  },
  { head: t('timeline.onWhat'), className: 'main-cell', cell: ({ subject }) => <Plain>{subject}</Plain> },
  {
    head: t('timeline.whoOrWhy'),
    cell: ({ kind, actor }) => (kind === 'run' ? <span className="dim">{actor}</span> : <Plain>{actor}</Plain>),
  },
  {
    head: t('timeline.outcome'),
    cell: ({ outcome }) =>
      outcome === null ? <Mark tone="idle">{t('timeline.done')}</Mark> : <State state={outcome} />,
  },
]

/** Each entry has an address of its own. */
const addressOf = ({ kind, id }: TimelineEntry): string => (kind === 'run' ? to.run(id) : to.audit({ id: String(id) }))
