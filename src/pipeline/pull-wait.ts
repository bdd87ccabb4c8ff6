/** Deliveries that wait for a pull of a stream that they match or join. */
import { CausewayError, type SerializedError } from '../core/index.ts'
import type { Lane, Settlement, Work } from './work.ts'

/** Normally the end of the pull releases what waits. What parks in that moment is seen by neither, so the first look comes soon. */
const FIRST_LOOK_MS = 3_000
const LOOK_MS = 5 * 60_000

/** Why something waits for a pull. */
export const waitForPull = (what: string): SerializedError => new CausewayError('CSW-5020', { what }).toJSON()

export const isPullWait = (error: { code: string }): boolean => error.code === 'CSW-5020'

export const parkForPull = (work: Work, error: SerializedError): Settlement => ({
  state: 'parked',
  error,
  retryInMs: work.existing?.state === 'parked' ? LOOK_MS : FIRST_LOOK_MS,
})

/**
 * Whether the log may not know all records of the target by their match fields, while the target cannot be asked by `key`. To be
 * asked before the log is: what the log learns in between is found there.
 */
export async function isBlindTo(lane: Lane, key: readonly string[]): Promise<boolean> {
  const lookup = lane.target.streams.get(lane.sync.to.stream)?.abilities.lookup ?? []
  if (key.some((field) => lookup.includes(field))) return false
  return (await lane.ports.ledger.readStream(lane.row.toStream))!.keysMissing !== null
}

/** A record that would be created because the log does not know enough waits until it does. */
export function holdUnmatched(lane: Lane, works: readonly Work[]): void {
  const { connection, stream } = lane.sync.to
  const what = `match fields of ${connection}:${stream} have changed, and a full pull has to read their values first`
  for (const work of works)
    if (work.targetId === null && !work.settlement && !work.doubt)
      work.settlement = parkForPull(work, waitForPull(what))
}
