import type { ReactNode } from 'react'
import { t } from '../texts/index.ts'
import { clockTime, countdown, exactTime, spanInWords, useNow, useWords } from './clock.ts'
import { useZone } from './zone.ts'

/** "3 min ago" or "in 3 min"; the exact time with its offset on hover. */
export function Ago({ at, none = t('parts.never') }: { at: string | null; none?: string }): ReactNode {
  return at === null ? <span className="dim">{none}</span> : <Aged at={at} />
}

function Aged({ at }: { at: string }): ReactNode {
  useZone()
  const moment = Date.parse(at)
  const words = useWords((now) => {
    const past = now - moment
    return past >= -500 ? t('parts.ago', { past: spanInWords(past) }) : t('parts.in', { value: spanInWords(-past) })
  })
  return (
    <time dateTime={at} title={exactTime(new Date(moment))}>
      {words}
    </time>
  )
}

/** The time of day, with the day when it is not today. */
export function At({ at }: { at: string }): ReactNode {
  useZone()
  const date = new Date(at)
  return (
    <time dateTime={at} title={exactTime(date)}>
      {clockTime(date)}
    </time>
  )
}

/** How long something took or takes so far. */
export function Took({ from, until }: { from: string; until: string | null }): ReactNode {
  if (until === null) return <SoFar from={from} />
  const ms = Date.parse(until) - Date.parse(from)
  return <span>{ms < 1_000 ? t('parts.ms2', { value: Math.max(0, ms) }) : spanInWords(ms)}</span>
}

const SoFar = ({ from }: { from: string }): ReactNode => {
  const began = Date.parse(from)
  return <span>{useWords((now) => spanInWords(now - began))}</span>
}

/** Counts down to a moment; says so when it has come. */
export function Countdown({ until }: { until: string }): ReactNode {
  const left = Date.parse(until) - useNow()
  return (
    <time dateTime={until} title={exactTime(new Date(until))} className="number">
      {left > 0 ? countdown(left) : t('parts.now')}
    </time>
  )
}
