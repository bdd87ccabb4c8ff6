/**
 * First contact: a record of an entity is created in another system of that entity only when it is certain that it is not there
 * under another name. Until the matcher has held it against all of the target it waits, and so does one that a person is asked about.
 */
import { CausewayError, parseExact, type SerializedError } from '../core/index.ts'
import type { IdentityStanding } from './ports.ts'
import type { Lane, Work } from './work.ts'

const FIRST_LOOK_MS = 3_000
const LOOK_MS = 5 * 60_000

/** The entity type that has records of both ends of the lane, if any. */
export const entityOf = (lane: Lane): string | undefined =>
  lane.ports
    .model()
    .entities?.find(({ streams }) => streams.includes(lane.row.fromStream) && streams.includes(lane.row.toStream))?.name

/**
 * Parks what the matcher has not come to yet, before anybody is asked; gives where it stands with the others. Undefined where the
 * sync is not between records of one entity.
 */
export async function awaitMatcher(lane: Lane, works: readonly Work[]): Promise<IdentityStanding | undefined> {
  const entity = entityOf(lane)
  const unlinked = works.filter((work) => work.targetId === null && !work.settlement && !work.takenBack)
  if (entity === undefined || !unlinked.length) return undefined
  const ids = [...new Set(unlinked.map((work) => work.record.id))]
  const standing = await lane.ports.ledger.readIdentityStanding(entity, lane.row.fromStream, lane.row.toStream, ids)
  const { connection, stream } = lane.sync.to
  // What may have been created already is looked for, and does not wait.
  for (const work of unlinked.filter(({ doubt }) => !doubt)) {
    const why = !standing.targetRead
      ? `${connection}:${stream} has not been read to its end yet`
      : standing.through === null || work.record.seq > standing.through || standing.waiting.has(work.record.id)
        ? `it has not been held against the records of ${connection}:${stream} yet`
        : undefined
    if (why) park(work, new CausewayError('CSW-5021', { what: `${entity}: ${why}` }).toJSON())
  }
  return standing
}

/** What a match key finds is no partner where a person said that the two are others. */
export const notApart = <R extends { id: string }>(
  standing: IdentityStanding | undefined,
  work: Work,
  found: R[],
): R[] => {
  const others = standing?.apart.get(work.record.id)
  return others ? found.filter(({ id }) => !others.has(id)) : found
}

/** What a person is asked about is neither created nor linked by a match key before there is an answer. */
export function awaitReviews(works: readonly Work[], standing: IdentityStanding | undefined): void {
  for (const work of works) {
    const review = standing?.reviews.get(work.record.id)
    if (review === undefined || work.settlement || work.takenBack) continue
    if (work.targetId !== null && !work.newlyMatched) continue
    work.targetId = null
    work.newlyMatched = false
    const what = `a person is asked whether the target has the record already (review ${review})`
    park(work, new CausewayError('CSW-5022', { what, data: { review } }).toJSON())
  }
}

function park(work: Work, error: SerializedError): void {
  const again = work.existing?.state === 'parked'
  work.settlement = { state: 'parked', error, retryInMs: again ? LOOK_MS : FIRST_LOOK_MS }
}

/**
 * Linked by the matcher or a person and never written: the log knows what the target holds, so that only what differs is written.
 */
export async function seeLinked(lane: Lane, works: readonly Work[]): Promise<void> {
  if (entityOf(lane) === undefined) return
  const fresh = works.filter(
    (work) =>
      work.targetId !== null &&
      !work.settlement &&
      work.known === null &&
      work.delivered === null &&
      !work.unfinished.length,
  )
  if (!fresh.length) return
  const bodies = await lane.ports.ledger.readBodies(lane.row.toStream, [
    ...new Set(fresh.map((work) => work.targetId!)),
  ])
  const known = new Map(
    bodies.flatMap(({ id, body, deleted, dropped }) =>
      body === null || deleted || dropped !== null ? [] : [[id, body]],
    ),
  )
  for (const work of fresh) {
    const body = known.get(work.targetId!)
    if (body !== undefined) work.known = parseExact(body) as Work['known']
  }
}
