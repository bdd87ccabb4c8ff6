import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { readJson } from '../../api/json-text.ts'
import { post, useAction, useAnswer } from '../../api/queries.ts'
import type { AlertRoute, OpenAlert, StoredError } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { List } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { rich, t } from '../../texts/index.ts'
import { SnoozeDialog } from './snooze-dialog.tsx'

type Alerts = { routes: AlertRoute[]; open: OpenAlert[] }
/** A receiver may take long. */
const TEST_PATIENCE_MS = 45_000
const EVERY_MS = 15_000

/** Who is told of what is wrong, and how far that is. */
export function AlertRoutes(): ReactNode {
  const answer = useAnswer<Alerts>('/alerts', EVERY_MS)
  const [snoozed, setSnoozed] = useState<string | null>(null)
  const columns: Column<AlertRoute>[] = [
    {
      head: t('settings.route'),
      cell: ({ name, kind }) => (
        <>
          <Plain>{name}</Plain>
          <p className="dim">{kind}</p>
        </>
      ),
    },
    {
      head: t('settings.tellsOf'),
      className: 'main-cell',
      cell: ({ tell, severity, syncs, connections }) => (
        <>
          {tell.join(', ').replaceAll('_', ' ')}
          <p className="dim">
            <Plain>
              {[
                severity === 'error' ? t('settings.errorsOnly') : t('settings.warningsToo'),
                ...syncs,
                ...connections,
              ].join(', ')}
            </Plain>
          </p>
        </>
      ),
    },
    { head: t('settings.state'), cell: (route) => <RouteState route={route} /> },
    { head: t('settings.lastTold'), cell: ({ lastSentAt }) => <Ago at={lastSentAt} /> },
    {
      head: t('settings.actions'),
      cell: (route) => <RouteActions route={route} snooze={() => setSnoozed(route.name)} />,
    },
  ]
  return (
    <Panel title={t('settings.alertRoutes')}>
      <List
        source={answer}
        count={answer.data?.routes.length}
        never={
          <p>
            {rich('settings.nobodyIsToldOfTrouble', { code: <code>alerts:</code>, code2: <code>causeway.yaml</code> })}
          </p>
        }
      >
        <Table
          label={t('settings.alertRoutes')}
          rows={answer.data?.routes ?? []}
          keyOf={({ name }) => name}
          columns={columns}
        />
      </List>
      {snoozed !== null && <SnoozeDialog route={snoozed} close={() => setSnoozed(null)} />}
    </Panel>
  )
}

function RouteState({ route: { snooze, waiting, lastError } }: { route: AlertRoute }): ReactNode {
  const error = readJson<StoredError>(lastError)
  if (snooze !== null)
    return (
      <Mark
        tone="idle"
        title={t('settings.by', { actor: snooze.actor, value: snooze.reason ? `: ${snooze.reason}` : '' })}
      >
        {rich('settings.quietEnds', { time: <Ago at={snooze.until} /> })}
      </Mark>
    )
  if (waiting > 0 && error)
    return (
      <>
        <Mark tone="bad">{t('settings.notSent', { waiting })}</Mark>
        <p className="dim">
          <Plain>{error.what ?? error.code ?? ''}</Plain>
        </p>
      </>
    )
  if (waiting > 0) return <Mark tone="wait">{t('settings.toSend', { waiting })}</Mark>
  return <Mark tone="ok">{t('settings.nothingWaits')}</Mark>
}

const SMALL = { needs: 'alerts:operate', size: 'compact-xs', variant: 'default' } as const

function RouteActions({ route: { name, snooze }, ...props }: { route: AlertRoute; snooze: () => void }): ReactNode {
  const test = useAction(() =>
    post<{ sent: boolean }>(`/alerts/routes/${encodeURIComponent(name)}/test`, {}, { patienceMs: TEST_PATIENCE_MS }),
  )
  const wake = useAction(() => post('/alerts/wake', { route: name }))
  return (
    <Group gap={6}>
      <ActionButton
        {...SMALL}
        aria-label={t('settings.test', { name })}
        loading={test.isPending}
        onClick={() => test.mutate(undefined)}
      >
        {t('settings.test2')}
      </ActionButton>
      {snooze === null ? (
        <ActionButton {...SMALL} aria-label={t('settings.snooze2', { name })} onClick={props.snooze}>
          {t('settings.snooze3')}
        </ActionButton>
      ) : (
        <ActionButton
          {...SMALL}
          aria-label={t('settings.wake', { name })}
          loading={wake.isPending}
          onClick={() => wake.mutate(undefined)}
        >
          {t('settings.wake2')}
        </ActionButton>
      )}
      <span role="status">{test.data && <Mark tone="ok">{t('settings.sent')}</Mark>}</span>
      {test.error && <Trouble error={test.error} />}
      {wake.error && <Trouble error={wake.error} />}
    </Group>
  )
}
