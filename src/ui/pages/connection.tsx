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
import { number, rich, sentence, t, word } from '../texts/index.ts'
import { Authorise } from './authorise.tsx'
import { ConnectionActions } from './connection-actions.tsx'
import { ConnectionState } from './connections.tsx'
import { LastDay } from './last-day.tsx'
import { LimitUse } from './limit-use.tsx'

/** A probe dials out and may take its time; the hub gives up after 45 s. */
const PROBE_PATIENCE_MS = 60_000

export function ConnectionPage(): ReactNode {
  const name = usePlace().query.get('name') ?? ''
  const path = `/connections/${encodeURIComponent(name)}`
  const answer = useAnswer<ConnectionDetail>(path)
  const detail = answer.data
  return (
    <Page
      title={t('connection.connection', { name })}
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
          <LastDay path={path} />
          <LimitUse path={path} />
          <Panel title={t('connection.streams')}>
            <Streams streams={detail.streams} />
          </Panel>
          <Panel title={t('connection.settings')}>
            {detail.definition ? (
              <>
                <p className="dim">
                  {rich('connection.fromSecretsAreMasked', { code: <code>{detail.definition.file}</code> })}
                </p>
                <JsonView
                  json={detail.definition.settings}
                  label={t('connection.settings')}
                  none={t('connection.none')}
                />
              </>
            ) : (
              <p className="nothing">{t('connection.noFileDefinesThisConnection')}</p>
            )}
          </Panel>
        </>
      )}
    </Page>
  )
}

function About({ connection }: { connection: Connection }): ReactNode {
  return (
    <Panel title={t('connection.state')}>
      <Facts
        items={[
          [t('connection.state'), <ConnectionState key="s" connection={connection} />],
          [t('connection.since'), <Ago key="since" at={connection.stateSince} />],
          [
            t('connection.connector'),
            <Link key="c" href={to.connector(connection.connector)}>
              <Plain>{connection.connector}</Plain>
            </Link>,
          ],
          [t('connection.breaker'), <Breaker key="b" connection={connection} />],
          [t('connection.quota'), <Quota key="q" connection={connection} />],
          [t('connection.lastRead'), <Ago key="r" at={connection.lastPullSuccessAt} />],
          [t('connection.lastWrite'), <Ago key="w" at={connection.lastPushSuccessAt} />],
          [
            t('connection.throttle'),
            connection.maxPerSecond === null
              ? t('connection.noThrottle')
              : t('connection.callsPerSecond', { maxPerSecond: connection.maxPerSecond }),
          ],
          [
            t('connection.deadLetters'),
            <Link key="d" href={to.deadLetters({ connection: connection.name })}>
              {t('connection.open', { openDeadLetters: connection.openDeadLetters })}
            </Link>,
          ],
          [
            t('connection.runs'),
            <Link key="runs" href={to.runs({ connection: connection.name })}>
              {t('connection.runsThatTouchIt')}
            </Link>,
          ],
        ]}
      />
    </Panel>
  )
}

/** Open: calls are not even tried until the moment it says, because the last ones failed. */
function Breaker({ connection: { breaker, breakerUntil, breakerReason } }: { connection: Connection }): ReactNode {
  if (breaker === 'closed') return <Mark tone="ok">{t('connection.closed')}</Mark>
  return (
    <>
      <Mark tone={breaker === 'open' ? 'bad' : 'warn'}>{breaker}</Mark>
      {breakerUntil && rich('connection.triesAgainIn', { time: <Countdown until={breakerUntil} /> })}{' '}
      <Plain>{breakerReason ?? ''}</Plain>
    </>
  )
}

/** A wait for a quota ends by itself and is never a failure. */
function Quota({ connection: { waitUntil, waitReason } }: { connection: Connection }): ReactNode {
  const now = useNow()
  if (waitUntil === null || Date.parse(waitUntil) <= now) return t('connection.nothingIsWaitedFor')
  return (
    <>
      <Mark tone="wait">{rich('connection.goesOnIn', { time: <Countdown until={waitUntil} /> })}</Mark>{' '}
      <Plain>{waitReason ?? ''}</Plain>
    </>
  )
}

/** Walks from the name of the host to a first page, so that one sees at which step it ends. */
function ProbePanel({ path }: { path: string }): ReactNode {
  const probe = useAction(() => post<Probe>(`${path}/test`, {}, { patienceMs: PROBE_PATIENCE_MS }))
  return (
    <Panel
      title={t('connection.probe')}
      aside={
        <ActionButton
          needs="syncs:operate"
          size="compact-xs"
          variant="default"
          loading={probe.isPending}
          onClick={() => probe.mutate(undefined)}
        >
          {probe.data ? t('connection.probeAgain') : t('connection.probeNow')}
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
                    <code>{step.code}</code> <Plain>{sentence(step.fix ?? '')}</Plain>
                  </p>
                )}
              </li>
            ))}
          </ol>
        ) : (
          !probe.error && <p className="nothing">{t('connection.testsNameTlsCredentialAnd')}</p>
        )}
      </div>
    </Panel>
  )
}

/** What was never read is not up to date. */
function Reading({ stream: { pullMode, lastSuccessAt } }: { stream: Stream }): ReactNode {
  if (pullMode) return <Mark tone="busy">{t('connection.read', { pullMode: word('words', pullMode) })}</Mark>
  if (lastSuccessAt === null) return <Mark tone="idle">{t('connection.notReadYet')}</Mark>
  return <Mark tone="ok">{t('connection.upToDate')}</Mark>
}

function Streams({ streams }: { streams: Stream[] }): ReactNode {
  if (!streams.length) return <p className="nothing">{t('connection.noStreamOfItIs')}</p>
  return (
    <Table
      label={t('connection.streams')}
      rows={streams}
      keyOf={(stream) => stream.address}
      columns={[
        { head: t('connection.stream'), cell: (stream) => <Plain>{stream.name}</Plain> },
        {
          head: t('connection.state'),
          className: 'main-cell',
          cell: (stream) =>
            stream.lastError ? (
              <>
                <Mark tone="bad">{t('connection.failedReads', { pullFailures: stream.pullFailures })}</Mark>{' '}
                <ErrorLine error={stream.lastError} />
              </>
            ) : (
              <Reading stream={stream} />
            ),
        },
        { head: t('connection.lastSuccess'), cell: (stream) => <Ago at={stream.lastSuccessAt} /> },
        { head: t('connection.nextTry'), cell: (stream) => <Ago at={stream.nextPullAt} none="–" /> },
        { head: t('connection.changesSoFar'), numeric: true, cell: (stream) => number(stream.seq) },
        {
          head: t('connection.runs'),
          cell: (stream) => <Link href={to.runs({ stream: stream.address })}>{t('connection.runs2')}</Link>,
        },
      ]}
    />
  )
}
