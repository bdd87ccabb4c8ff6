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
      head: 'Route',
      cell: ({ name, kind }) => (
        <>
          <Plain>{name}</Plain>
          <p className="dim">{kind}</p>
        </>
      ),
    },
    {
      head: 'Tells of',
      className: 'main-cell',
      cell: ({ tell, severity, syncs, connections }) => (
        <>
          {tell.join(', ').replaceAll('_', ' ')}
          <p className="dim">
            <Plain>
              {[severity === 'error' ? 'errors only' : 'warnings too', ...syncs, ...connections].join(', ')}
            </Plain>
          </p>
        </>
      ),
    },
    { head: 'State', cell: (route) => <RouteState route={route} /> },
    { head: 'Last told', cell: ({ lastSentAt }) => <Ago at={lastSentAt} /> },
    { head: 'Actions', cell: (route) => <RouteActions route={route} snooze={() => setSnoozed(route.name)} /> },
  ]
  return (
    <Panel title="Alert routes">
      <List
        source={answer}
        count={answer.data?.routes.length}
        never={
          <p>
            Nobody is told of trouble. A route is an entry of <code>alerts:</code> in <code>causeway.yaml</code>.
          </p>
        }
      >
        <Table label="Alert routes" rows={answer.data?.routes ?? []} keyOf={({ name }) => name} columns={columns} />
      </List>
      {snoozed !== null && <SnoozeDialog route={snoozed} close={() => setSnoozed(null)} />}
    </Panel>
  )
}

function RouteState({ route: { snooze, waiting, lastError } }: { route: AlertRoute }): ReactNode {
  const error = readJson<StoredError>(lastError)
  if (snooze !== null)
    return (
      <Mark tone="idle" title={`by ${snooze.actor}${snooze.reason ? `: ${snooze.reason}` : ''}`}>
        quiet, ends <Ago at={snooze.until} />
      </Mark>
    )
  if (waiting > 0 && error)
    return (
      <>
        <Mark tone="bad">{waiting.toLocaleString()} not sent</Mark>
        <p className="dim">
          <Plain>{error.what ?? error.code ?? ''}</Plain>
        </p>
      </>
    )
  if (waiting > 0) return <Mark tone="wait">{waiting.toLocaleString()} to send</Mark>
  return <Mark tone="ok">nothing waits</Mark>
}

function RouteActions({ route: { name, snooze }, ...props }: { route: AlertRoute; snooze: () => void }): ReactNode {
  const test = useAction(() =>
    post<{ sent: boolean }>(`/alerts/routes/${encodeURIComponent(name)}/test`, {}, TEST_PATIENCE_MS),
  )
  const wake = useAction(() => post('/alerts/wake', { route: name }))
  return (
    <Group gap={6}>
      <ActionButton
        needs="alerts:operate"
        size="compact-xs"
        variant="default"
        aria-label={`Test ${name}`}
        loading={test.isPending}
        onClick={() => test.mutate(undefined)}
      >
        Test
      </ActionButton>
      {snooze === null ? (
        <ActionButton
          needs="alerts:operate"
          size="compact-xs"
          variant="default"
          aria-label={`Snooze… ${name}`}
          onClick={props.snooze}
        >
          Snooze…
        </ActionButton>
      ) : (
        <ActionButton
          needs="alerts:operate"
          size="compact-xs"
          variant="default"
          aria-label={`Wake ${name}`}
          loading={wake.isPending}
          onClick={() => wake.mutate(undefined)}
        >
          Wake
        </ActionButton>
      )}
      <span role="status">{test.data && <Mark tone="ok">sent</Mark>}</span>
      {test.error && <Trouble error={test.error} />}
      {wake.error && <Trouble error={wake.error} />}
    </Group>
  )
}
