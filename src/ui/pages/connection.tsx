import { Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import type { Connection, ConnectionDetail, Probe, Stream } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { useNow } from '../parts/clock.ts'
import { JsonView } from '../parts/json-view.tsx'
import { Loading } from '../parts/list.tsx'
import { Mark } from '../parts/mark.tsx'
import { Ago, Countdown } from '../parts/moment.tsx'
import { Facts, Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { ErrorLine } from '../parts/stored-error.tsx'
import { Table } from '../parts/table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { usePlace } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { Authorise } from './authorise.tsx'
import { ConnectionActions } from './connection-actions.tsx'
import { ConnectionState } from './connections.tsx'

/** A probe dials out and may take its time; the hub gives up after 45 s. */
const PROBE_PATIENCE_MS = 60_000

export function ConnectionPage(): ReactNode {
  const name = usePlace().query.get('name') ?? ''
  const path = `/connections/${encodeURIComponent(name)}`
  const answer = useAnswer<ConnectionDetail>(path)
  const detail = answer.data
  return (
    <Page
      title={`Connection ${name}`}
      aside={
        detail && (
          <Group gap={6}>
            <Authorise connection={detail.connection} />
            <ConnectionActions connection={detail.connection} />
          </Group>
        )
      }
    >
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!detail && answer.isPending && <Loading />}
      {detail && (
        <>
          <About connection={detail.connection} />
          <ProbePanel path={path} />
          <Panel title="Streams">
            <Streams streams={detail.streams} />
          </Panel>
          <Panel title="Settings">
            {detail.definition ? (
              <>
                <p className="dim">
                  From <code>{detail.definition.file}</code>; secrets are masked.
                </p>
                <JsonView json={detail.definition.settings} label="Settings" none="None." />
              </>
            ) : (
              <p className="nothing">No file defines this connection any more.</p>
            )}
          </Panel>
        </>
      )}
    </Page>
  )
}

function About({ connection }: { connection: Connection }): ReactNode {
  return (
    <Panel title="State">
      <Facts
        items={[
          ['State', <ConnectionState key="s" connection={connection} />],
          ['Since', <Ago key="since" at={connection.stateSince} />],
          [
            'Connector',
            <Link key="c" href={to.connector(connection.connector)}>
              <Plain>{connection.connector}</Plain>
            </Link>,
          ],
          ['Breaker', <Breaker key="b" connection={connection} />],
          ['Quota', <Quota key="q" connection={connection} />],
          ['Last read', <Ago key="r" at={connection.lastPullSuccessAt} />],
          ['Last write', <Ago key="w" at={connection.lastPushSuccessAt} />],
          ['Throttle', connection.maxPerSecond === null ? 'none' : `${connection.maxPerSecond} calls per second`],
          [
            'Dead letters',
            <Link key="d" href={to.deadLetters({ connection: connection.name })}>
              {connection.openDeadLetters.toLocaleString()} open
            </Link>,
          ],
          [
            'Runs',
            <Link key="runs" href={to.runs({ connection: connection.name })}>
              runs that touch it
            </Link>,
          ],
        ]}
      />
    </Panel>
  )
}

/** Open: calls are not even tried until the moment it says, because the last ones failed. */
function Breaker({ connection: { breaker, breakerUntil, breakerReason } }: { connection: Connection }): ReactNode {
  if (breaker === 'closed') return <Mark tone="ok">closed</Mark>
  return (
    <>
      <Mark tone={breaker === 'open' ? 'bad' : 'warn'}>{breaker}</Mark>
      {breakerUntil && (
        <>
          {' '}
          tries again in <Countdown until={breakerUntil} />
        </>
      )}{' '}
      <Plain>{breakerReason ?? ''}</Plain>
    </>
  )
}

/** A wait for a quota ends by itself and is never a failure. */
function Quota({ connection: { waitUntil, waitReason } }: { connection: Connection }): ReactNode {
  const now = useNow()
  if (waitUntil === null || Date.parse(waitUntil) <= now) return 'nothing is waited for'
  return (
    <>
      <Mark tone="wait">
        goes on in <Countdown until={waitUntil} />
      </Mark>{' '}
      <Plain>{waitReason ?? ''}</Plain>
    </>
  )
}

/** Walks from the name of the host to a first page, so that one sees at which step it ends. */
function ProbePanel({ path }: { path: string }): ReactNode {
  const probe = useAction(() => post<Probe>(`${path}/test`, {}, PROBE_PATIENCE_MS))
  return (
    <Panel
      title="Probe"
      aside={
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={probe.isPending}
          onClick={() => probe.mutate(undefined)}
        >
          {probe.data ? 'Probe again' : 'Probe now'}
        </ActionButton>
      }
    >
      <div aria-live="polite">
        {probe.error && <Trouble error={probe.error} />}
        {probe.data ? (
          <ol className="steps">
            {probe.data.steps.map((step) => (
              <li key={step.step}>
                <Mark tone={step.ok ? 'ok' : 'bad'}>{step.step}</Mark> <Plain>{step.detail}</Plain>
                {step.code && (
                  <p className="dim">
                    <code>{step.code}</code> <Plain>{step.fix ?? ''}</Plain>
                  </p>
                )}
              </li>
            ))}
          </ol>
        ) : (
          !probe.error && <p className="nothing">Tests name, TLS, credential and a first page. Writes nothing.</p>
        )}
      </div>
    </Panel>
  )
}

function Streams({ streams }: { streams: Stream[] }): ReactNode {
  if (!streams.length) return <p className="nothing">No stream of it is used by a sync.</p>
  return (
    <Table
      label="Streams"
      rows={streams}
      keyOf={(stream) => stream.address}
      columns={[
        { head: 'Stream', cell: (stream) => <Plain>{stream.name}</Plain> },
        {
          head: 'State',
          className: 'main-cell',
          cell: (stream) =>
            stream.lastError ? (
              <>
                <Mark tone="bad">{stream.pullFailures} failed reads</Mark> <ErrorLine error={stream.lastError} />
              </>
            ) : (
              <Mark tone={stream.pullMode ? 'busy' : 'ok'}>
                {stream.pullMode ? `${stream.pullMode} read` : 'up to date'}
              </Mark>
            ),
        },
        { head: 'Last success', cell: (stream) => <Ago at={stream.lastSuccessAt} /> },
        { head: 'Next try', cell: (stream) => <Ago at={stream.nextPullAt} none="–" /> },
        { head: 'Changes so far', numeric: true, cell: (stream) => stream.seq.toLocaleString() },
        { head: 'Runs', cell: (stream) => <Link href={to.runs({ stream: stream.address })}>runs</Link> },
      ]}
    />
  )
}
