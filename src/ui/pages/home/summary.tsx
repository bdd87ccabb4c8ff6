import type { ReactNode } from 'react'
import { Ago } from '../../parts/moment.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import type { Situation } from './verdict.ts'

/** The hub in five numbers, each leading to its list. */
export function Summary({ situation: { syncs, connections, queues, system } }: { situation: Situation }): ReactNode {
  const paused = syncs.filter((sync) => sync.state === 'paused').length
  const waiting = queues.reduce((sum, queue) => sum + queue.waiting, 0)
  const capped = queues.some((queue) => queue.waitingCapped)
  const letters = connections.reduce((sum, connection) => sum + connection.openDeadLetters, 0)
  return (
    <ul className="numbers" aria-label="In numbers">
      <li>
        <Link href={to.syncs}>{syncs.length.toLocaleString()}</Link> syncs
        <small>{paused ? `${paused} paused` : 'none paused'}</small>
      </li>
      <li>
        <Link href={to.connections}>{connections.length.toLocaleString()}</Link> connections
        <small>
          last write <Ago at={latest(connections.map((connection) => connection.lastPushSuccessAt))} />
        </small>
      </li>
      <li>
        <Link href={to.queues()}>
          {waiting.toLocaleString()}
          {capped ? '+' : ''}
        </Link>{' '}
        waiting
        <small>{queues.reduce((sum, queue) => sum + queue.active, 0)} runs at work</small>
      </li>
      <li>
        <Link href={to.deadLetters()}>{letters.toLocaleString()}</Link> dead letters
        <small>{letters ? 'wait for a person' : 'nothing was given up'}</small>
      </li>
      <li>
        <b>{system.version}</b> Causeway
        <small>
          started <Ago at={system.startedAt} />
        </small>
      </li>
    </ul>
  )
}

// ISO times in UTC sort as text.
const latest = (times: (string | null)[]): string | null =>
  times.reduce((a, b) => ((b ?? '') > (a ?? '') ? b : a), null)
