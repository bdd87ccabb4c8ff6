/** From what is wrong now and what was known before, what there is to tell. */
import type { AlertKind } from '../config/index.ts'
import type { AlertSubjectRow } from '../store/index.ts'
import type { Subject, Turn } from './contract.ts'

/** What somebody has to see to is told at once; what may pass by itself only once it has lasted. */
const HOLD_MS = { error: 0, failing: 60_000, warning: 5 * 60_000 }
/** As long must it be gone before it counts as over: some causes come and go with every try. */
const OVER_MS = 60_000

export type Observed = Subject & { passing: boolean }

export type Turns = {
  save: AlertSubjectRow[]
  drop: string[]
  turns: Turned[]
}
export type Turned = {
  change: Turn
  round: number
  /** When this round began. */
  firstSeenAt: Date
  subject: Subject
}

/** `looked`: kinds that were looked for; of the others nothing is known, so nothing of them has ended. */
export function turnsOf(
  known: readonly AlertSubjectRow[],
  observed: readonly Observed[],
  looked: ReadonlySet<AlertKind>,
  now: Date,
): Turns {
  const result: Turns = { save: [], drop: [], turns: [] }
  const rows = new Map(known.map((row) => [row.key, row]))
  const seen = new Map(observed.map((subject) => [subject.key, subject]))
  for (const { passing, ...subject } of seen.values()) {
    const before = rows.get(subject.key)
    const begins = !before || before.state === 'over'
    const row: AlertSubjectRow = {
      key: subject.key,
      kind: subject.kind,
      state: begins ? 'new' : before.state,
      round: (before?.round ?? 0) + (begins ? 1 : 0),
      content: JSON.stringify(subject),
      firstSeenAt: begins ? now : before.firstSeenAt,
      seenAt: now,
    }
    if (row.state === 'new' && now.getTime() - row.firstSeenAt.getTime() >= holdOf(subject, passing)) {
      row.state = 'open'
      const { round, firstSeenAt } = row
      result.turns.push({ change: round === 1 ? 'opened' : 'reopened', round, firstSeenAt, subject })
    }
    result.save.push(row)
  }
  for (const row of known) {
    if (seen.has(row.key) || row.state === 'over' || !looked.has(row.kind)) continue
    if (now.getTime() - row.seenAt.getTime() < OVER_MS) continue
    // Never told: as if it had not been.
    if (row.state === 'new' && row.round === 1) result.drop.push(row.key)
    else if (row.state === 'new') result.save.push({ ...row, state: 'over', round: row.round - 1 })
    else {
      result.save.push({ ...row, state: 'over' })
      const { round, firstSeenAt } = row
      result.turns.push({ change: 'recovered', round, firstSeenAt, subject: JSON.parse(row.content) as Subject })
    }
  }
  return result
}

const holdOf = ({ severity }: Subject, passing: boolean): number =>
  severity === 'warning' ? HOLD_MS.warning : passing ? HOLD_MS.failing : HOLD_MS.error
