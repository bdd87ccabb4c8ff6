/** Records that one side of a two-way sync deleted: the deletion goes over, unless the other side edited the record meanwhile. */
import type { Json, JsonObject } from '../core/index.ts'
import { deletedIn, isLenient, type There } from './ask-sides.ts'
import {
  conflictKey,
  conflictOf,
  decisionsOf,
  isForward,
  NO_TIMES,
  standingOf,
  timesOf,
  verdictOf,
  WHOLE,
} from './merge-facts.ts'
import { type FieldConflict, isAsAgreed, type Parties } from './merge-fields.ts'
import { storedOf } from './merged.ts'
import { isNear } from './near.ts'
import type { Lane, Work } from './work.ts'

/**
 * Records that the other direction has deleted since they were read are not made anew. One that was read after that came back: somebody
 * restored it.
 */
export async function leaveDeleted(lane: Lane, works: Work[]): Promise<void> {
  const suspects = works.filter(
    ({ merge, takenBack, targetId, newlyMatched }) =>
      merge!.mark.deletedAt && !takenBack && (targetId === null || newlyMatched),
  )
  if (!suspects.length) return
  const ids = suspects.map(({ record }) => record.id)
  const rows = new Map((await lane.ports.ledger.readBodies(lane.row.fromStream, ids)).map((row) => [row.id, row]))
  for (const work of suspects) {
    const { mark } = work.merge!
    const readAt = rows.get(work.record.id)?.observedAt.getTime() ?? 0
    if (readAt > Date.parse(mark.deletedAt!)) delete mark.deletedAt
    else work.settlement = { state: 'skipped' }
  }
}

/** What is to be deleted and is known to be deleted already needs no write. */
async function endDeleted(lane: Lane, works: Work[]): Promise<void> {
  const ids = works.map(({ targetId }) => targetId!)
  const gone = await deletedIn(lane, ids)
  for (const work of works) {
    if (!gone.has(work.targetId!)) continue
    work.operation = null
    work.settlement = { state: leftState(work), delivered: null, unlink: 'gone' }
  }
}

/** Decides what deletions decide, and gives the works of which both records are there. */
export async function meetDeletions(lane: Lane, works: Work[], there: ReadonlyMap<Work, There>): Promise<Work[]> {
  const left: Work[] = []
  const contested: { work: Work; edit: JsonObject }[] = []
  await endDeleted(
    lane,
    works.filter((work) => work.takenBack && there.get(work)?.missing),
  )
  for (const work of works) {
    const side = there.get(work)
    if (!work.takenBack && !side?.missing) left.push(work)
    else if (!work.takenBack && !followsDeletions(lane)) makeAnew(work)
    else if (!work.takenBack) contested.push({ work, edit: editedHere(work) })
    else if (side?.body) {
      const edit = editedThere(work, side)
      if (Object.keys(edit).length) contested.push({ work, edit })
    } else if (!side?.missing) left.push(work)
  }
  if (contested.length) await decideAll(lane, contested, there)
  return left
}

/** Whether the way back deletes here what was deleted there. */
const followsDeletions = (lane: Lane): boolean =>
  lane.ports.model().syncByName(lane.sync.twoWay!.partner)?.definition.deletes === 'delete'

const editedHere = ({ values, merge }: Work): JsonObject =>
  Object.fromEntries(
    Object.entries(values.value).filter(
      ([field, value]) => JSON.stringify(merge!.before[field]) !== JSON.stringify(value),
    ),
  )

/** Fields that the target shows otherwise than they were agreed. */
function editedThere(work: Work, side: There): JsonObject {
  const stored = storedOf(work.merge!.mark)
  const lenient = isLenient(work, side)
  const shown = side.body!
  return Object.fromEntries(
    Object.entries(work.merge!.before).flatMap(([field, agreed]): [string, Json][] => {
      const now = Object.hasOwn(shown, field) ? shown[field] : undefined
      if (now === undefined || field.startsWith('~')) return []
      const stands = isAsAgreed(now, agreed, Object.hasOwn(stored, field) ? stored[field] : undefined)
      return stands || (lenient && isNear(now, agreed)) ? [] : [[field, now]]
    }),
  )
}

async function decideAll(
  lane: Lane,
  contested: { work: Work; edit: JsonObject }[],
  there: ReadonlyMap<Work, There>,
): Promise<void> {
  const works = contested.map(({ work }) => work)
  const [times, rows] = await Promise.all([timesOf(lane, works, there), decisionsOf(lane, works)])
  for (const { work, edit } of contested) {
    const [mine, theirs] = work.takenBack ? [null, edit] : [edit, null]
    const conflict: FieldConflict = { field: WHOLE, path: WHOLE, mine, theirs, base: undefined }
    const asked = conflictOf(lane, work, conflict)
    const row = standingOf(lane, rows, work, WHOLE)
    const said = row && verdictOf(lane, row, asked)
    const winner = said ?? byPolicy(lane, work, times.get(work) ?? NO_TIMES(lane))
    const merge = work.merge!
    if (winner === 'ask') {
      merge.asked = [asked]
      merge.mark.asked = [WHOLE]
      waitForAnswer(work)
      continue
    }
    const othersDelete = !work.takenBack && winner === 'theirs'
    // An answer that the other direction has to carry out must still stand when that one comes to it.
    if (!othersDelete && (row || merge.mark.asked?.includes(WHOLE))) merge.settled = [conflictKey(lane, work, WHOLE)]
    delete merge.mark.asked
    carryOut(work, winner === 'mine')
  }
}

/** The side that a policy names, the later one, a person; the edit where the policy is about values only. */
function byPolicy(lane: Lane, work: Work, { mineAt, theirsAt }: Parties): 'mine' | 'theirs' | 'ask' {
  const edit = work.takenBack ? 'theirs' : 'mine'
  const { default: policy } = lane.sync.twoWay!.conflict
  if (policy === 'ask') return 'ask'
  if (policy === 'from' || policy === 'to') return (policy === 'from') === isForward(lane) ? 'mine' : 'theirs'
  if (policy !== 'newest' || mineAt === null || theirsAt === null || mineAt === theirsAt) return edit
  return mineAt > theirsAt ? 'mine' : 'theirs'
}

function carryOut(work: Work, mineWins: boolean): void {
  if (!work.takenBack && mineWins) makeAnew(work)
  // The deletion comes by itself.
  else if (!work.takenBack) work.settlement = { state: 'skipped' }
  else if (!mineWins) release(work)
}

function makeAnew(work: Work): void {
  work.settlement = { state: 'pending', retryInMs: 0, unlink: 'gone', delivered: null }
}

/** The other direction makes the record anew. */
function release(work: Work): void {
  work.operation = null
  work.merge!.releases = true
  work.settlement = { state: leftState(work), unlink: 'released', delivered: null }
}

/** Neither side is written; what was agreed stays. */
function waitForAnswer(work: Work): void {
  work.operation = null
  work.settlement = { state: work.takenBack ? leftState(work) : 'skipped' }
}

const leftState = ({ record }: Work): 'gone' | 'skipped' => (record.deleted ? 'gone' : 'skipped')
