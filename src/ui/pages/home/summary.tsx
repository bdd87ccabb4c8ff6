import type { ReactNode } from 'react'
import { Ago } from '../../parts/moment.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { number, rich, t } from '../../texts/index.ts'
import type { Situation } from './verdict.ts'

/** The hub in five numbers, each leading to its list. */
export function Summary({ situation: { syncs, connections, queues, system } }: { situation: Situation }): ReactNode {
  const paused = syncs.filter((sync) => sync.state === 'paused').length
  const waiting = queues.reduce((sum, queue) => sum + queue.waiting, 0)
  const capped = queues.some((queue) => queue.waitingCapped)
  const letters = connections.reduce((sum, connection) => sum + connection.openDeadLetters, 0)
  return (
    <ul className="numbers" aria-label={t('home.inNumbers')}>
      <li>
        {rich('home.syncs', {
          count: syncs.length,
          link: <Link href={to.syncs}>{number(syncs.length)}</Link>,
          small: <small>{paused ? t('home.paused', { paused }) : t('home.nonePaused')}</small>,
        })}
      </li>
      <li>
        {rich('home.connections', {
          count: connections.length,
          link: <Link href={to.connections}>{number(connections.length)}</Link>,
          small: (
            <small>
              {rich('home.lastWrite', {
                time: <Ago at={latest(connections.map((connection) => connection.lastPushSuccessAt))} />,
              })}
            </small>
          ),
        })}
      </li>
      <li>
        {rich('home.waiting', {
          count: waiting,
          link: (
            <Link href={to.queues()}>
              {number(waiting)}
              {capped ? '+' : ''}
            </Link>
          ),
          small: <small>{t('home.runsAtWork', { count: queues.reduce((sum, queue) => sum + queue.active, 0) })}</small>,
        })}
      </li>
      <li>
        {rich('home.deadLetters', {
          count: letters,
          link: <Link href={to.deadLetters()}>{number(letters)}</Link>,
          small: <small>{letters ? t('home.waitForAPerson') : t('home.nothingWasGivenUp')}</small>,
        })}
      </li>
      <li>
        <b>{system.version}</b> Causeway
        <small>{rich('home.started', { time: <Ago at={system.startedAt} /> })}</small>
      </li>
    </ul>
  )
}

// ISO times in UTC sort as text.
const latest = (times: (string | null)[]): string | null =>
  times.reduce((a, b) => ((b ?? '') > (a ?? '') ? b : a), null)
