import type { ReactNode } from 'react'
import { word } from '../texts/index.ts'

/** How a state is to be read: shape and word say it too, never the colour alone. */
export type Tone = 'ok' | 'busy' | 'wait' | 'warn' | 'bad' | 'idle'

const SHAPES: Record<Tone, ReactNode> = {
  ok: <path d="M3.5 8.5l3 3 6-7" />,
  busy: <path d="M5 3.5l7 4.5-7 4.5z" />,
  wait: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 5v3.2l2 1.3" />
    </>
  ),
  warn: <path d="M8 2.5l6 11H2zM8 6.5v3M8 11.4v.2" />,
  bad: <path d="M4 4l8 8M12 4l-8 8" />,
  idle: <path d="M4 8h8" />,
}

export function Icon({ tone, size = 14 }: { tone: Tone; size?: number }): ReactNode {
  return (
    <svg className={`icon tone-${tone}`} viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  )
}

/** A state as icon and word. */
export function Mark({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }): ReactNode {
  return (
    <span className={`mark tone-${tone}`} title={title}>
      <Icon tone={tone} />
      {children}
    </span>
  )
}

const TONES: Record<string, Tone> = {
  // runs
  running: 'busy',
  success: 'ok',
  partial: 'warn',
  failed: 'bad',
  held: 'bad',
  cancelled: 'idle',
  interrupted: 'warn',
  unknown: 'warn',
  // connections and syncs
  active: 'ok',
  paused: 'idle',
  needs_authorisation: 'bad',
  removed: 'idle',
  // deliveries
  pending: 'wait',
  delivered: 'ok',
  created: 'ok',
  updated: 'ok',
  deleted: 'ok',
  unchanged: 'ok',
  skipped: 'idle',
  parked: 'wait',
  in_doubt: 'warn',
  dead: 'bad',
  gone: 'idle',
  // dead letters
  open: 'bad',
  requeued: 'wait',
  resolved: 'ok',
  discarded: 'idle',
  // webhook events and orders
  done: 'ok',
  ordering: 'wait',
  leaving: 'idle',
  // conflicts and reviews
  decided: 'wait',
  settled: 'ok',
  confirmed: 'ok',
  rejected: 'idle',
  superseded: 'idle',
  // bulk actions
  aborted: 'warn',
  // requests
  waiting: 'wait',
  finished: 'ok',
}

/** A state of the ledger by its own word. */
export function State({ state, title }: { state: string; title?: string | null | undefined }): ReactNode {
  return (
    <Mark tone={TONES[state] ?? 'idle'} {...(title ? { title } : {})}>
      {word('words', state)}
    </Mark>
  )
}
