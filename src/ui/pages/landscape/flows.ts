import type { Activity, Connection, Queue, Sync } from '../../api/types.ts'
import type { Tone } from '../../parts/mark.tsx'
import { t } from '../../texts/index.ts'

/** One sync as an edge: what flows, how fresh it is, what is wrong. */
export type Flow = {
  sync: Sync
  from: string
  to: string
  written: number
  dead: number
  backlog: number
  tone: Tone
  words: string
}

const connectionOf = (address: string): string => address.slice(0, address.indexOf(':'))

type Given = { syncs: Sync[]; connections: Connection[]; queues: Queue[]; activity: Activity[]; now: number }

export function flowsOf({ syncs, connections, queues, activity, now }: Given): Flow[] {
  return syncs.map((sync): Flow => {
    const own = activity.filter((hour) => hour.sync === sync.name)
    const ends = [connectionOf(sync.from), connectionOf(sync.to)]
    const touched = connections.filter(({ name }) => ends.includes(name))
    const backlog = queues.find(({ bySync }) => Object.hasOwn(bySync, sync.name))?.bySync[sync.name] ?? 0
    return {
      sync,
      from: ends[0]!,
      to: ends[1]!,
      written: own.reduce((sum, { written }) => sum + written, 0),
      dead: own.reduce((sum, { dead }) => sum + dead, 0),
      backlog,
      ...stateOf(sync, touched, now),
    }
  })
}

/** The worst that is true of a sync and of the systems at its ends. */
function stateOf(sync: Sync, ends: Connection[], now: number): Pick<Flow, 'tone' | 'words'> {
  const refused = ends.find(({ state }) => state === 'needs_authorisation')
  if (refused) return { tone: 'bad', words: t('landscape.needsAuthorisation', { name: refused.name }) }
  if (sync.state === 'paused') return { tone: 'idle', words: t('landscape.paused') }
  const paused = ends.find(({ state }) => state === 'paused')
  if (paused) return { tone: 'idle', words: t('landscape.isPaused', { name: paused.name }) }
  if (sync.lastError || sync.lastRun?.outcome === 'failed')
    return { tone: 'bad', words: t('landscape.theLastRunFailed') }
  if (sync.openDeadLetters > 0)
    return { tone: 'warn', words: t('landscape.deadLetters', { openDeadLetters: sync.openDeadLetters }) }
  const open = ends.find(({ breaker }) => breaker === 'open')
  if (open) return { tone: 'bad', words: t('landscape.doesNotAnswer', { name: open.name }) }
  const waits = ends.find(({ waitUntil }) => waitUntil !== null && Date.parse(waitUntil) > now)
  if (waits) return { tone: 'wait', words: t('landscape.waits', { name: waits.name }) }
  if (sync.lastRun?.outcome === 'running') return { tone: 'busy', words: t('landscape.underWay') }
  return sync.lastRun === null
    ? { tone: 'idle', words: t('landscape.hasNotRunYet') }
    : { tone: 'ok', words: t('landscape.allRight') }
}

/** Every ten times as much is drawn a little broader. */
export const breadthOf = (written: number): number => 1.5 + Math.min(6, Math.log10(written + 1) * 1.5)
