import type { ReactNode } from 'react'
import { clockTime, exactTime, spanInWords } from '../../parts/clock.ts'
import { Icon, type Tone } from '../../parts/mark.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import type { Situation, Verdict } from './verdict.ts'

type Props = { verdict: Verdict; silentSince: Date | null; situation: Situation; error: Error | null }

/** The answer at a glance. What cannot be known is never called good: without fresh answers the verdict is "unknown". */
export function VerdictCard({ verdict, silentSince, situation, error }: Props): ReactNode {
  const { tone, line, detail } = words(verdict, silentSince, situation, error)
  return (
    <div className={`verdict verdict-${tone}`} role="status" aria-live="polite" data-verdict={tone}>
      <Icon tone={tone} size={34} />
      <div>
        <p className="verdict-line">{line}</p>
        <p className="verdict-detail">{detail}</p>
      </div>
      {error && !silentSince && <Trouble error={error} />}
    </div>
  )
}

type Words = { tone: Tone; line: string; detail: ReactNode }

function words(verdict: Verdict, silentSince: Date | null, situation: Situation, error: Error | null): Words {
  if (silentSince)
    return {
      tone: 'warn',
      line: 'Unknown: the hub does not answer',
      detail: `What you see is from before ${clockTime(silentSince)}.`,
    }
  if (error)
    return { tone: 'warn', line: 'Unknown: the hub cannot tell', detail: 'It answered part of the questions only.' }
  if (verdict.tone === 'bad')
    return {
      tone: 'bad',
      line: `${verdict.wrong} ${verdict.wrong === 1 ? 'problem needs' : 'problems need'} you`,
      detail: <Since verdict={verdict} now={situation.now} />,
    }
  if (verdict.tone === 'wait')
    return {
      tone: 'wait',
      line: 'Nothing to do: it heals by itself',
      detail: `${verdict.waiting} ${verdict.waiting === 1 ? 'cause waits' : 'causes wait'} for the other side or for a retry.`,
    }
  if (verdict.tone === 'idle')
    return {
      tone: 'idle',
      line: 'Nothing is set up yet',
      detail: 'Connections and syncs appear here as soon as the hub has read its files.',
    }
  return { tone: 'ok', line: 'All is well', detail: 'Every sync runs on time and nothing waits for a person.' }
}

function Since({ verdict, now }: { verdict: Verdict; now: number }): ReactNode {
  if (verdict.since === null) return 'Since just now.'
  const since = new Date(verdict.since)
  return (
    <time dateTime={since.toISOString()} title={exactTime(since)}>
      Since {clockTime(since)}, for {spanInWords(now - verdict.since)}
      {verdict.waiting > 0 && ` · ${verdict.waiting} more without your help`}
    </time>
  )
}
