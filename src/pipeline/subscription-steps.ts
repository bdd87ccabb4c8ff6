/** What is to be done about the webhooks of one connection, decided from what is wanted and what the ledger knows. */
import type { Subscriber } from '../connector/index.ts'
import type { SubscriptionRow } from './ports.ts'

/** A subscription as it should be; its address is ours. */
export type Wish = { stream: string | null; streams: string[]; events: string[]; url: string }

/** An order whose answer never came is believed to have failed after not being found for this long: lists lag too. */
export const DOUBT_MS = 20_000
/** How often a system is asked whether what was ordered is still there. */
const LOOK_EVERY_MS = 60 * 60_000

/** When to renew: with a third of the time left, so that many attempts fit in before the end. */
export const renewalOf = (expiresAt: Date | null, now: Date): Date | null =>
  expiresAt && new Date(now.getTime() + ((expiresAt.getTime() - now.getTime()) * 2) / 3)

const isPast = (moment: Date | null, now: Date): boolean => moment !== null && moment <= now
const isDue = ({ nextAt }: SubscriptionRow, now: Date): boolean => nextAt === null || nextAt <= now

/** True for an order that may have been taken. */
export const isOpen = (row: SubscriptionRow): boolean => row.remoteId === null && row.sentAt !== null

export const wishOf = (row: SubscriptionRow, wishes: readonly Wish[]): Wish | undefined =>
  row.state === 'leaving' ? undefined : wishes.find(({ stream }) => stream === row.stream)

/** Wishes that nothing in the ledger stands for, and rows that are not as they are wished. */
export function differences(rows: readonly SubscriptionRow[], wishes: readonly Wish[]) {
  const standing = rows.filter(({ state }) => state !== 'leaving')
  return {
    missing: wishes.filter((wish) => !standing.some(({ stream }) => stream === wish.stream)),
    unwanted: standing.filter((row) => !wishOf(row, wishes)),
    changed: standing.filter((row) => {
      const wish = wishOf(row, wishes)
      return wish && (wish.url !== row.url || wish.events.join('\n') !== row.events.join('\n'))
    }),
  }
}

/** What of the standing rows asks for a call now. */
export function dueSteps(
  rows: readonly SubscriptionRow[],
  subscriber: Pick<Subscriber, 'finds' | 'lifetimeMs'>,
  now: Date,
) {
  const due = rows.filter((row) => isDue(row, now))
  const ordering = due.filter(({ state }) => state === 'ordering')
  const active = due.filter(({ state }) => state === 'active')
  const stale = rows.filter(
    ({ state, seenAt }) => state === 'active' && now.getTime() - (seenAt?.getTime() ?? 0) >= LOOK_EVERY_MS,
  )
  // Until its successor lives, the old one does.
  const replaced = (row: SubscriptionRow) =>
    rows.some(({ state, stream }) => state === 'ordering' && stream === row.stream)
  const leaving = due.filter((row) => row.state === 'leaving' && !(row.remoteId !== null && replaced(row)))
  const renewing = active.filter(({ renewAt, expiresAt }) => isPast(renewAt, now) || isPast(expiresAt, now))
  const look = subscriber.finds && (stale.length > 0 || ordering.length > 0 || leaving.some((row) => isOpen(row)))
  return { ordering, renewing, leaving, look, any: ordering.length + renewing.length + leaving.length > 0 || look }
}

/** Whether an order that nothing was heard of may be taken for failed: not found for long enough, or over by itself. */
export function isOver(
  row: SubscriptionRow,
  { finds, lifetimeMs }: Pick<Subscriber, 'finds' | 'lifetimeMs'>,
  now: Date,
): 'yes' | 'later' | 'ask' {
  const passed = now.getTime() - row.sentAt!.getTime()
  if (finds) return passed >= DOUBT_MS ? 'yes' : 'later'
  if (lifetimeMs !== null) return passed >= lifetimeMs ? 'yes' : 'later'
  return 'ask'
}
