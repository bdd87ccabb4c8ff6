import { CausewayError, JsonText, sliceOf } from '../core/index.ts'
import type { MapInput, SyncDefinition } from '../mapping/index.ts'
import { planningLane, recordsOf } from './plan.ts'
import type { Ports } from './ports.ts'
import { inputOf } from './read-batch.ts'
import type { BatchRecord, Lane } from './work.ts'

/** `definition`: another text of the mapping, whose joins count instead of those of the one that runs. */
type Wish = { definition?: SyncDefinition | undefined; signal: AbortSignal }

/**
 * What a sync's mapping gets of a record as it stands in the log, corrections and joined records with it. Throws CSW-1007, CSW-8008,
 * and why its joins cannot be had.
 */
export async function recordedInput(
  ports: Ports,
  syncId: number,
  { record: id, ...wish }: Wish & { record: string },
): Promise<MapInput> {
  const lane = await laneOf(ports, syncId, wish)
  for await (const [record] of recordsOf(lane, { records: [id], limit: 1 })) {
    if (!record) break
    const input = await joined(lane, record)
    if (input) return input
    throw new CausewayError('CSW-8008', {
      what: record.deleted
        ? `Record ${id} is deleted: there is nothing to map.`
        : `What the mapping reads of record ${id} is not kept.`,
    })
  }
  throw new CausewayError('CSW-1007', { what: `The source of ${lane.row.name} has no record ${JSON.stringify(id)}.` })
}

/** The same for a record that somebody brings: the log has the records that it joins. Throws why they cannot be had. */
export async function broughtInput(
  ports: Ports,
  syncId: number,
  { id, body, ...wish }: Wish & { id: string; body: string },
): Promise<MapInput> {
  if (wish.definition?.joins.length === 0) return { id, body }
  const lane = await laneOf(ports, syncId, wish)
  const place = { id, slice: sliceOf(id), seq: 0, logSeq: null }
  return (await joined(lane, { ...place, body: JsonText.from(body), deleted: false, content: null }))!
}

async function laneOf(ports: Ports, syncId: number, { definition, signal }: Wish): Promise<Lane> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  return planningLane(ports, known.row, definition ?? known.definition, signal)
}

async function joined(lane: Lane, record: BatchRecord): Promise<MapInput | undefined> {
  const { input, error } = await inputOf(lane, record)
  if (error) throw new CausewayError(error.code, { what: error.what, fix: error.fix, ...placeOf(error.place) })
  return input
}

const placeOf = <P>(place: P | undefined): { place?: P } => (place === undefined ? {} : { place })
