import type { ReactNode } from 'react'
import { Mark, State, type Tone } from '../../parts/mark.tsx'
import { Ago, Countdown } from '../../parts/moment.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
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
    <Panel title="Waiting, late or stopped">
      {rows.length === 0 ? (
        <p className="nothing">Everything moves.</p>
      ) : (
        <Table
          label="Waiting, late or stopped"
          rows={rows}
          keyOf={(row) => row.key}
          columns={[
            { head: 'State', cell: (row) => row.mark },
            { head: 'What', cell: (row) => row.what },
            { head: 'Why, and how it goes on', className: 'main-cell', cell: (row) => row.why },
            { head: 'Since', cell: (row) => row.since },
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
      mark: mark('bad', 'not ready'),
      what: `the hub's ${check.name}`,
      why: (
        <>
          {check.code && <code>{check.code}</code>} {check.detail ?? 'The hub goes on when it is back.'}
        </>
      ),
      since: '–',
    }))

const connectionLink = (name: string): ReactNode => (
  <>
    connection{' '}
    <Link href={to.connection(name)}>
      <Plain>{name}</Plain>
    </Link>
  </>
)

function connectionRows({ connections, now }: Situation): Row[] {
  const stopped = [...needingAuthorisation(connections), ...connections.filter(({ state }) => state === 'paused')]
  return [
    ...stopped.map((connection) => ({
      key: `connection ${connection.name}`,
      mark: <State state={connection.state} />,
      what: connectionLink(connection.name),
      why: connection.stateReason ? <Plain>{connection.stateReason}</Plain> : 'No reason was given.',
      since: <Ago at={connection.stateSince} />,
    })),
    ...waitingConnections(connections, now).map((connection) => ({
      key: `wait ${connection.name}`,
      mark: mark('wait', 'waiting'),
      what: connectionLink(connection.name),
      why: (
        <>
          <Plain>{connection.waitReason ?? 'The other side asked us to wait.'}</Plain> Goes on by itself in{' '}
          <Countdown until={connection.waitUntil ?? ''} />.
        </>
      ),
      since: '–',
    })),
  ]
}

const syncLink = (name: string): ReactNode => (
  <>
    sync{' '}
    <Link href={to.sync(name)}>
      <Plain>{name}</Plain>
    </Link>
  </>
)

function syncRows(situation: Situation): Row[] {
  const paused = situation.syncs.filter((sync) => sync.state === 'paused')
  return [
    ...unhappySyncs(situation.syncs).map((sync) => ({
      key: `sync ${sync.name}`,
      mark: <State state={sync.lastRun?.outcome ?? 'unknown'} />,
      what: syncLink(sync.name),
      why: sync.lastRun && (
        <>
          Its last run did not end well: <Link href={to.run(sync.lastRun.id)}>run {sync.lastRun.id}</Link>.
        </>
      ),
      since: <Ago at={sync.lastRun?.startedAt ?? null} />,
    })),
    ...lateSchedules(situation).map(({ schedule, dueAt }) => ({
      key: `late ${schedule.schedule}`,
      mark: mark('bad', 'late'),
      what: schedule.sync ? syncLink(schedule.sync) : <Plain>{schedule.schedule}</Plain>,
      why: (
        <>
          Its timetable (<code>{schedule.expression}</code>) had a slot and nothing began. Is a worker running?
        </>
      ),
      since: <Ago at={new Date(dueAt).toISOString()} />,
    })),
    ...paused.map((sync) => ({
      key: `paused ${sync.name}`,
      mark: <State state="paused" />,
      what: syncLink(sync.name),
      why: sync.stateReason ? <Plain>{sync.stateReason}</Plain> : 'No reason was given.',
      since: <Ago at={sync.stateSince} />,
    })),
  ]
}

const queueRows = (situation: Situation): Row[] =>
  stuckQueues(situation).map((queue) => ({
    key: `queue ${queue.connection} ${queue.kind}`,
    mark: mark('bad', 'nobody works'),
    what: (
      <>
        <Link href={to.queues(queue.connection)}>{queue.kind} queue</Link> of <Plain>{queue.connection}</Plain>
      </>
    ),
    why: (
      <>
        {queue.waiting.toLocaleString()} could be done now and no worker takes them. Check: is a worker process running,
        does <code>causeway doctor</code> reach the queue, what does the worker's log say?
      </>
    ),
    since: <Ago at={queue.oldestWaitingAt} />,
  }))
