import { type ReactNode, useState } from 'react'
import { usePages } from '../../api/queries.ts'
import type { WebhookEvent } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { FilterChoice, FilterMoment, Filters, FilterText } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { State } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { useFilters } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { number, t } from '../../texts/index.ts'
import { ReplayDialog } from './replay-dialog.tsx'

/** Events that were verified and kept, newest first, and what became of each. */
export function Events(): ReactNode {
  const { values, any, set, clear } = useFilters(['state', 'connection', 'stream', 'since', 'until'])
  const events = usePages<WebhookEvent>('/events', values)
  const [replaying, setReplaying] = useState<{ event: WebhookEvent | null } | null>(null)
  const clearAny = any ? clear : undefined
  const [columns] = useState(() => columnsWith((event) => setReplaying({ event })))
  return (
    <Panel
      title={t('webhooks.events')}
      aside={
        // What is not settled is read anyway.
        values.state !== 'pending' &&
        (events.rows?.length ?? 0) > 0 && (
          <ActionButton
            needs="letters:operate"
            size="compact-xs"
            variant="default"
            onClick={() => setReplaying({ event: null })}
          >
            {t('webhooks.replayAllOfThese')}
          </ActionButton>
        )
      }
    >
      <Filters clear={clearAny}>
        <FilterChoice
          label={t('webhooks.state')}
          none={t('webhooks.all')}
          value={values.state}
          choices={['pending', 'done', 'skipped', 'dead']}
          onChange={(state) => set({ state })}
        />
        <FilterText
          label={t('webhooks.connection')}
          value={values.connection}
          onChange={(connection) => set({ connection })}
        />
        <FilterText label={t('webhooks.stream')} value={values.stream} onChange={(stream) => set({ stream })} />
        <FilterMoment label={t('webhooks.since')} value={values.since} onChange={(since) => set({ since })} />
        <FilterMoment label={t('webhooks.until')} value={values.until} onChange={(until) => set({ until })} />
      </Filters>
      <List
        source={events}
        count={events.rows?.length}
        clear={clearAny}
        never={<p>{t('webhooks.noEventYetWebhooksThat')}</p>}
      >
        <Table label={t('webhooks.events')} rows={events.rows ?? []} keyOf={({ id }) => id} columns={columns} />
        <More pages={events} what={t('webhooks.olderEvents')} />
      </List>
      {replaying && <ReplayDialog event={replaying.event} filter={values} close={() => setReplaying(null)} />}
    </Panel>
  )
}

const columnsWith = (replay: (event: WebhookEvent) => void): Column<WebhookEvent>[] => [
  { head: t('webhooks.received'), cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
  {
    head: t('webhooks.event2'),
    className: 'main-cell',
    cell: ({ eventId, reason }) => (
      <>
        <Plain>{eventId}</Plain>
        {reason && (
          <p className="dim">
            <Plain>{reason}</Plain>
          </p>
        )}
      </>
    ),
  },
  {
    head: t('webhooks.from'),
    cell: ({ connection, stream }) => (
      <Link href={to.connection(connection)}>
        <Plain>{stream ? `${connection}:${stream}` : connection}</Plain>
      </Link>
    ),
  },
  {
    head: t('webhooks.state'),
    cell: ({ state, connection }) =>
      state === 'dead' ? (
        <Link href={to.deadLetters({ connection, kind: 'inbox' })} className="quiet">
          <State state={state} />
        </Link>
      ) : (
        <State state={state} />
      ),
  },
  { head: t('webhooks.tries'), numeric: true, cell: ({ attempts }) => attempts },
  { head: t('webhooks.bytes'), numeric: true, cell: ({ bytes }) => number(bytes) },
  {
    head: t('webhooks.action'),
    cell: (event) =>
      event.state === 'pending' ? (
        <span className="dim">{t('webhooks.underWay')}</span>
      ) : (
        <ActionButton
          needs="letters:operate"
          size="compact-xs"
          variant="default"
          aria-label={t('webhooks.replayEvent', { id: event.id })}
          onClick={() => replay(event)}
        >
          {t('webhooks.replay2')}
        </ActionButton>
      ),
  },
]
