import type { SourceRecord } from '../connector/index.ts'
import { asCausewayError, type CausewayError } from '../core/index.ts'
import { isConnectionFailure } from './failures.ts'
import type { Lane, Settlement } from './work.ts'

/** When so many are refused one by one and none is given, the request itself is wrong and not the records. */
const MAX_REFUSED = 5

type Fetched = {
  /** By id; ids that the target leaves out are in neither map. */
  found: Map<string, SourceRecord>
  failed: Map<string, CausewayError>
}

/**
 * Reads single records of the target. A request that fails because of one of them would hold back all others for ever, so it is cut in
 * halves until that one stands alone. Throws what concerns the whole connection, and CSW-2003 where the target gives no single records.
 */
export async function fetchEach(lane: Pick<Lane, 'target' | 'sync' | 'signal'>, ids: string[]): Promise<Fetched> {
  const found = new Map<string, SourceRecord>()
  const failed = new Map<string, CausewayError>()
  const ask = async (some: string[]): Promise<void> => {
    try {
      const records = await lane.target.fetch({ stream: lane.sync.to.stream, ids: some, signal: lane.signal })
      for (const record of records) found.set(record.id, record)
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-2003' || isConnectionFailure(error) || lane.signal.aborted) throw error
      if (some.length === 1) {
        failed.set(some[0]!, error)
        if (failed.size > MAX_REFUSED && !found.size) throw error
        return
      }
      const middle = Math.ceil(some.length / 2)
      await ask(some.slice(0, middle))
      await ask(some.slice(middle))
    }
  }
  if (ids.length) await ask(ids)
  return { found, failed }
}

const LOOK_AGAIN_MS = 2_000

/** A record that cannot be read waits, or goes to a person; it alone. */
export const unread = (error: CausewayError): Settlement =>
  error.reaction === 'retry'
    ? { state: 'pending', error: error.toJSON(), retryInMs: LOOK_AGAIN_MS, countAttempt: true }
    : { state: 'dead', dead: true, error: error.toJSON() }
