import { CausewayError } from '../core/index.ts'
import type { MapInput } from '../mapping/index.ts'
import { planningLane, recordsOf } from './plan.ts'
import type { Ports } from './ports.ts'
import { inputOf } from './read-batch.ts'

/** What a sync's mapping gets of a record as it stands in the log, corrections and joined records with it. Throws CSW-1007, CSW-8008. */
export async function recordedInput(
  ports: Ports,
  syncId: number,
  { record: id, signal }: { record: string; signal: AbortSignal },
): Promise<MapInput> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  const lane = await planningLane(ports, known.row, known.definition, signal)
  for await (const [record] of recordsOf(lane, { records: [id], limit: 1 })) {
    if (!record) break
    const input = await inputOf(lane, record)
    if (input) return input
    throw new CausewayError('CSW-8008', {
      what: record.deleted
        ? `Record ${id} is deleted: there is nothing to map.`
        : `What the mapping reads of record ${id} is not kept.`,
    })
  }
  throw new CausewayError('CSW-1007', { what: `The source of ${known.row.name} has no record ${JSON.stringify(id)}.` })
}
