import { CausewayError, JsonText } from '../core/index.ts'
import { notApart } from './identity-wait.ts'
import { choose, holds, lookUp } from './look-up.ts'
import type { IdentityStanding } from './ports.ts'
import type { Lane, Work } from './work.ts'

/*
 * A create of unknown outcome: the answer was lost, or the process died before it came. It is looked for in the target by the
 * key it was sent with, which need not be the key that the record has now.
 */

/** How often a target is asked before the create counts as not done, and over how long (searches lag). */
const DOUBT_LOOKS = 3
const DOUBT_LOOK_MS = 3_000
const DOUBT_PATIENCE_MS = DOUBT_LOOK_MS * (2 ** DOUBT_LOOKS - 1)

/** Looks for records whose create was sent with a key that can be looked up. */
export async function findDoubtful(lane: Lane, works: Work[], standing: IdentityStanding | undefined): Promise<void> {
  const doubtful = works.filter((work) => work.doubt && work.targetId === null && !work.settlement)
  const groups = Map.groupBy(doubtful, (work) => lookupField(lane, work.doubt!.matchKey))
  for (const [field, group] of groups) {
    if (field === undefined) continue
    const askedFor = (work: Work): string => work.doubt!.matchKey.find((key) => key.field === field)!.value
    const { found, failed } = await lookUp(lane, field, [...new Set(group.map(askedFor))])
    for (const work of group) {
      const key = work.doubt!.matchKey
      const fields = key.map((one) => one.field)
      const failure = failed.get(askedFor(work))
      if (failure) {
        work.settlement = { state: 'dead', dead: true, error: failure.toJSON() }
        continue
      }
      const live = notApart(
        standing,
        work,
        (found.get(askedFor(work)) ?? []).filter((record) => !record.deleted),
      )
      const wanted = key.map((one) => one.value)
      choose(work, key.length === 1 ? live : live.filter((record) => holds(record, fields, wanted)), fields)
    }
  }
}

/** True when the look-up by this key would only repeat what `findDoubtful` asked. */
export const wasLookedFor = (work: Work, key: readonly string[]): boolean =>
  work.doubt !== undefined &&
  JSON.stringify(work.doubt.matchKey) === JSON.stringify(work.matchKey) &&
  key.length === work.matchKey.length &&
  key.every((field, i) => work.matchKey[i]!.field === field)

/** A create of unknown outcome that was not found: ask again with patience, then decide. */
export function settleDoubt(lane: Lane, work: Work): void {
  const { lookedUp, openedAt, matchKey } = work.doubt!
  const canLook = lookupField(lane, matchKey) !== undefined || lookupField(lane, work.matchKey) !== undefined
  // Changes of the record make it come sooner than planned; a search that lags is not faster for it.
  const tooSoon = lane.ports.clock.now().getTime() - openedAt.getTime() < DOUBT_PATIENCE_MS
  if (canLook && (lookedUp < DOUBT_LOOKS || tooSoon)) {
    const error = new CausewayError('CSW-3012', { what: `not found in the target yet, after ${lookedUp + 1} looks` })
    const retryInMs = DOUBT_LOOK_MS * 2 ** Math.min(lookedUp, DOUBT_LOOKS)
    work.settlement = { state: 'in_doubt', error: error.toJSON(), retryInMs, intent: 'looked' }
  } else if (mayResend(lane, work)) {
    work.resend = JsonText.from(work.doubt!.sent!)
    work.matchKey = matchKey
  } else if (!canLook && (lane.sync.onDoubt === 'ask' || work.takenBack)) {
    const error = new CausewayError('CSW-5004', {
      what: 'a write that may have made the record got no answer, and this stream has no look-up for the match keys',
      ...(work.takenBack
        ? { fix: 'The record has left the source. If it is in the target, remove it there; then discard this letter.' }
        : {}),
    })
    work.settlement = { state: 'dead', dead: true, error: error.toJSON() }
  } else if (work.takenBack) {
    work.settlement = { state: work.record.deleted ? 'gone' : 'skipped', delivered: null, intent: 'close' }
  }
}

/**
 * Where the target obeys the idempotency key and the record has changed since, what was sent then goes once more as it was, and what is wanted
 * now comes after it as an update: with other values under that key the target would make a second record, or refuse.
 */
const mayResend = ({ sync }: Lane, { doubt, takenBack }: Work): boolean =>
  !takenBack &&
  doubt?.repeatable === true &&
  doubt.sent !== null &&
  !sync.twoWay &&
  !sync.content &&
  sync.mode !== 'update-only'

const lookupField = (lane: Lane, key: { field: string }[]): string | undefined => {
  const lookup = lane.target.streams.get(lane.sync.to.stream)?.abilities.lookup ?? []
  return key.find(({ field }) => lookup.includes(field))?.field
}
