import { CausewayError, isObject, type JsonObject, parseExact } from '../core/index.ts'
import { fetchEach, unread } from './fetch-each.ts'
import type { LogBody } from './ports.ts'
import type { Lane, Settlement, Work } from './work.ts'

/**
 * What the target holds of a record now. `body` null: not known, or not there. `missing`: it is proven to be deleted. `condition`: what a write
 * can be made conditional on.
 */
export type There = {
  body: JsonObject | null
  version: string | null
  missing: boolean
  fromLog: boolean
  condition?: string | undefined
}

const LOOK_AGAIN_MS = 2_000

/**
 * Reads what the targets of these works hold, just before they are written, so that an edit that was not pulled yet is not run
 * over. One call for all; where the target gives no single records, its stream in the log tells, as far as it is newer than our
 * last write. A record that cannot be read, or that the target leaves out although nothing proves that it was deleted, waits.
 */
export async function askAgain(lane: Lane, works: Work[]): Promise<Map<Work, There>> {
  const ids = [...new Set(works.map((work) => work.targetId!))]
  const fetched = await fetchEach(lane, ids).catch((error) => {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return null
    throw error
  })
  if (!fetched) return fromLog(lane, works, ids)
  const { found, failed } = fetched
  const left = ids.filter((id) => !found.has(id) && !failed.has(id))
  const gone = await deletedIn(lane, left)
  return new Map(
    works.flatMap((work): [Work, There][] => {
      const id = work.targetId!
      const record = found.get(id)
      if (record && !record.deleted) {
        const { body, version, condition } = record
        return [[work, { body, version, missing: false, fromLog: false, condition }]]
      }
      const missing = record?.deleted === true || gone.has(id)
      if (failed.has(id)) work.settlement = unread(failed.get(id)!)
      // What is to be taken back is taken back, whether the target shows it or not.
      else if (!missing && !work.takenBack) work.settlement = notShown(id)
      if (work.settlement) return []
      return [[work, { body: null, version: null, missing: missing || work.takenBack, fromLog: false }]]
    }),
  )
}

/** Those that a tombstone, an event or a complete scan proved to be deleted. */
export async function deletedIn(lane: Lane, ids: string[]): Promise<Set<string>> {
  const rows = ids.length ? await lane.ports.ledger.readBodies(lane.row.toStream, ids) : []
  return new Set(rows.filter((row) => row.deleted).map(({ id }) => id))
}

/** A search that lags after a write, or rights that were lost, look like a deletion and are none. */
export const notShown = (id: string): Settlement => ({
  state: 'pending',
  error: new CausewayError('CSW-5024', {
    what: `the target does not show record ${id}, and nothing proves that it was deleted`,
  }).toJSON(),
  retryInMs: LOOK_AGAIN_MS,
  countAttempt: true,
})

async function fromLog(lane: Lane, works: Work[], ids: string[]): Promise<Map<Work, There>> {
  const rows = new Map((await lane.ports.ledger.readBodies(lane.row.toStream, ids)).map((row) => [row.id, row]))
  return new Map(works.map((work) => [work, sideOf(rows.get(work.targetId!), work.merge!.mark.wrote)]))
}

function sideOf(row: LogBody | undefined, wrote: string | undefined): There {
  const isNews = row && !row.deleted && row.body !== null && !(wrote && row.observedAt.getTime() <= Date.parse(wrote))
  const body = isNews ? parseExact(row.body!) : null
  return {
    body: isObject(body) ? (body as JsonObject) : null,
    version: row?.version ?? null,
    missing: row?.deleted === true,
    fromLog: true,
  }
}

/** Where nobody looked after our last write, or whether it was done is unknown, what the target shows may be what it made of it. */
export const isLenient = (work: Work, side: There | undefined): boolean =>
  side?.fromLog === true || work.unfinished.length > 0
