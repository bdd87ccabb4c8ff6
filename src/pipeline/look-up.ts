import type { LookupResult, SourceRecord } from '../connector/index.ts'
import { asCausewayError, CausewayError } from '../core/index.ts'
import { isConnectionFailure } from './failures.ts'
import { keysOf } from './ports.ts'
import type { Lane, Work } from './work.ts'

/** More values than this refused one by one mean that the look-up itself is wrong, not the records. */
const MAX_REFUSED = 5

/**
 * Looks values up in the target. A request that the target refuses because of one odd value would hold back all others for
 * ever, so it is cut in halves until that value stands alone.
 */
export async function lookUp(
  lane: Lane,
  field: string,
  values: string[],
): Promise<{ found: LookupResult; failed: Map<string, CausewayError> }> {
  const found: LookupResult = new Map()
  const failed = new Map<string, CausewayError>()
  const ask = async (some: string[]): Promise<void> => {
    try {
      const answer = await lane.target.lookup({
        stream: lane.sync.to.stream,
        field,
        values: some,
        signal: lane.signal,
      })
      for (const [value, records] of answer) found.set(value, records)
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (isConnectionFailure(error) || error.reaction === 'retry' || lane.signal.aborted) throw error
      if (some.length === 1) {
        failed.set(some[0]!, error)
        if (failed.size > MAX_REFUSED) throw error
        return
      }
      const middle = Math.ceil(some.length / 2)
      await ask(some.slice(0, middle))
      await ask(some.slice(middle))
    }
  }
  await ask(values)
  return { found, failed }
}

/** True when a record holds all values of a key. */
export const holds = (record: SourceRecord, key: readonly string[], wanted: string[]): boolean =>
  key.every((field, i) => keysOf(record.body, [field]).some(({ value }) => value === wanted[i]))

/** Takes the one record found; several are for a person, none leaves the work as it is. */
export function choose(work: Work, candidates: SourceRecord[], key: readonly string[]): void {
  const distinct = [...new Map(candidates.map((record) => [record.id, record])).values()]
  if (distinct.length > 1) {
    const error = new CausewayError('CSW-5002', {
      what: `${distinct.length} target records have the same ${key.join(' and ')}`,
      data: { ids: distinct.map((record) => record.id) },
    })
    work.settlement = { state: 'dead', dead: true, error: error.toJSON() }
  } else if (distinct[0]) {
    work.targetId = distinct[0].id
    work.known = distinct[0].body
    work.newlyMatched = true
  }
}
