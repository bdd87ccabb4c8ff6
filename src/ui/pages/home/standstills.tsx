import type { ReactNode } from 'react'
import { Mark, State, type Tone } from '../../parts/mark.tsx'
import { Ago, Countdown } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { rich, t, word } from '../../texts/index.ts'
import {
  lateSchedules,
  needingAuthorisation,
  type Situation,
  stuckQueues,
  unhappySyncs,
  waitingConnections,
} from './verdict.ts'

type Row = { key: string; mark: ReactNode; what: ReactNode; why: ReactNode; since: ReactNode }

/** What does not move, each with its reason and, where it is known, the time at which it goes on. */
export function Standstills({ situation }: { situation: Situation }): ReactNode {
  const rows = [...checkRows(situation), ...connectionRows(situation), ...syncRows(situation), ...queueRows(situation)]
  return (
    <Panel title={t('home.waitingLateOrStopped')}>
      {rows.length === 0 ? (
        <p className="nothing">{t('home.everythingMoves')}</p>
      ) : (
        <Table
          label={t('home.waitingLateOrStopped')}
          rows={rows}
          keyOf={(row) => row.key}
          columns={[
            { head: t('home.state'), cell: (row) => row.mark },
            { head: t('home.what'), cell: (row) => row.what },
            { head: t('home.whyAndHowItGoes'), className: 'main-cell', cell: (row) => row.why },
            { head: t('home.since'), cell: (row) => row.since },
          ]}
        />
      )}
    </Panel>
  )
}

const mark = (tone: Tone, word: string): ReactNode => <Mark tone={tone}>{word}</Mark>

const checkRows = ({ system }: Situation): Row[] =>
  system.checks
    .filter((check) => !check.ok)
    .map((check) => ({
      key: `check ${check.name}`,
      mark: mark('bad', t('home.notReady')),
      what: t('home.theHubs', { name: word('words', check.name) }),
      why: (
        <>
          {check.code && <code>{check.code}</code>} {check.detail ?? t('home.theHubGoesOnWhen')}
        </>
      ),
      since: '–',
    }))

const connectionLink = (name: string): ReactNode => (
  <>
    {rich('home.connection', {
      link: (
        <Link href={to.connection(name)}>
          <Plain>{name}</Plain>
        </Link>
      ),
    })}
  </>
)

function connectionRows({ connections, now }: Situation): Row[] {
  const stopped = [...needingAuthorisation(connections), ...connections.filter(({ state }) => state === 'paused')]
  return [
    ...stopped.map((connection) => ({
      key: `connection ${connection.name}`,
      mark: <State state={connection.state} />,
      what: connectionLink(connection.name),
      why: connection.stateReason ? <Plain>{connection.stateReason}</Plain> : t('home.noReasonWasGiven'),
      since: <Ago at={connection.stateSince} />,
    })),
    ...waitingConnections(connections, now).map((connection) => ({
      key: `wait ${connection.name}`,
      mark: mark('wait', t('home.waiting2')),
      what: connectionLink(connection.name),
      why: (
        <>
          {rich('home.goesOnByItselfIn', {
            name: <Plain>{connection.waitReason ?? t('home.theOtherSideAskedUs')}</Plain>,
            time: <Countdown until={connection.waitUntil ?? ''} />,
          })}
        </>
      ),
      since: '–',
    })),
  ]
}

const syncLink = (name: string): ReactNode => (
  <>
    {rich('home.sync', {
      link: (
        <Link href={to.sync(name)}>
          <Plain>{name}</Plain>
        </Link>
      ),
    })}
  </>
)

function syncRows(situation: Situation): Row[] {
  const paused = situation.syncs.filter((sync) => sync.state === 'paused')
  return [
    ...unhappySyncs(situation.syncs).map((sync) => ({
      key: `sync ${sync.name}`,
      mark: <State state={sync.lastRun?.outcome ?? 'unknown'} />,
      what: syncLink(sync.name),
      why:
        sync.lastRun &&
        rich('home.itsLastRunDidNot', {
          link: <Link href={to.run(sync.lastRun.id)}>{t('home.run', { id: sync.lastRun.id })}</Link>,
        }),
      since: <Ago at={sync.lastRun?.startedAt ?? null} />,
    })),
    ...lateSchedules(situation).map(({ schedule, dueAt }) => ({
      key: `late ${schedule.schedule}`,
      mark: mark('bad', t('home.late')),
      what: schedule.sync ? syncLink(schedule.sync) : <Plain>{schedule.schedule}</Plain>,
      why: <>{rich('home.itsTimetableHadASlot', { code: <code>{schedule.expression}</code> })}</>,
      since: <Ago at={new Date(dueAt).toISOString()} />,
    })),
    ...paused.map((sync) => ({
      key: `paused ${sync.name}`,
      mark: <State state="paused" />,
      what: syncLink(sync.name),
      why: sync.stateReason ? <Plain>{sync.stateReason}</Plain> : t('home.noReasonWasGiven'),
      since: <Ago at={sync.stateSince} />,
    })),
  ]
}

const queueRows = (situation: Situation): Row[] =>
  stuckQueues(situation).map((queue) => ({
    key: `queue ${queue.connection} ${queue.kind}`,
    mark: mark('bad', t('home.nobodyWorks')),
    what: (
      <>
        {rich('home.of', {
          link: <Link href={to.queues(queue.connection)}>{t('home.queue', { kind: word('words', queue.kind) })}</Link>,
          name: <Plain>{queue.connection}</Plain>,
        })}
      </>
    ),
    why: <>{rich('home.couldBeDoneNowAnd', { waiting: queue.waiting, code: <code>causeway doctor</code> })}</>,
    since: <Ago at={queue.oldestWaitingAt} />,
  }))
