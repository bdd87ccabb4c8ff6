import type { ReactNode } from 'react'
import { clockTime, exactTime, spanInWords } from '../../parts/clock.ts'
import { Icon, type Tone } from '../../parts/mark.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { t } from '../../texts/index.ts'
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
      line: t('home.unknownTheHubDoesNot'),
      detail: t('home.whatYouSeeIsFrom', { silentSince: clockTime(silentSince) }),
    }
  if (error) return { tone: 'warn', line: t('home.unknownTheHubCannotTell'), detail: t('home.itAnsweredPartOfThe') }
  if (verdict.tone === 'bad')
    return {
      tone: 'bad',
      line: t('home.you', { count: verdict.wrong }),
      detail: <Since verdict={verdict} now={situation.now} />,
    }
  if (verdict.tone === 'wait')
    return {
      tone: 'wait',
      line: t('home.nothingToDoItHeals'),
      detail: t('home.forTheOtherSideOr', { count: verdict.waiting }),
    }
  if (verdict.tone === 'idle')
    return {
      tone: 'idle',
      line: t('home.nothingIsSetUpYet'),
      detail: t('home.connectionsAndSyncsAppearHere'),
    }
  return { tone: 'ok', line: t('home.allIsWell'), detail: t('home.everySyncRunsOnTime') }
}

function Since({ verdict, now }: { verdict: Verdict; now: number }): ReactNode {
  if (verdict.since === null) return t('home.sinceJustNow')
  const since = new Date(verdict.since)
  return (
    <time dateTime={since.toISOString()} title={exactTime(since)}>
      {t('home.sinceFor', {
        since: clockTime(since),
        value: spanInWords(now - verdict.since),
        value2: verdict.waiting > 0 && t('home.moreWithoutYourHelp', { waiting: verdict.waiting }),
      })}
    </time>
  )
}
