/** From what stands on a page to records of the stream. */
import type { Json } from '../../core/index.ts'
import type { RejectedRecord, SourceRecord } from '../contract.ts'
import type { Expression, Scope } from '../language/index.ts'
import { isRejected, usableId } from '../manifest/record.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import type { Watermark } from './incremental.ts'
import { listOf } from './read-checks.ts'

export type Made = { records: SourceRecord[]; rejected: RejectedRecord[] }

type Making = {
  stream: StreamSpec<unknown>
  /** Where pages name their records only: the id in one entry, and who fetches the rest. */
  fetchIds?: Expression | undefined
  /** Where an item of a page holds several records. */
  split?: Expression | undefined
  fetch?: ((ids: string[]) => Promise<SourceRecord[]>) | undefined
  names: Scope
  watermark: Watermark | null
}

/** The records of a page, and what on it is none. */
export async function recordsOf(
  { stream, fetchIds, fetch, split, names, watermark }: Making,
  bodies: Json[],
): Promise<Made> {
  const made: Made = { records: [], rejected: [] }
  if (fetchIds && fetch)
    made.records = await fetch(bodies.flatMap((record) => usableId(fetchIds.evaluate({ ...names, record })) ?? []))
  else
    for (const body of bodies)
      for (const one of split ? listOf(split.evaluate({ ...names, record: body })) : [body])
        sort(stream.toRecord(one), made)
  if (watermark) for (const body of bodies) watermark.see(body)
  return made
}

/** What a list of deletions says is gone. */
export function tombstonesOf(
  stream: StreamSpec<unknown>,
  id: Pick<Expression, 'evaluate'>,
  bodies: Json[],
  names: Scope,
): Made {
  const made: Made = { records: [], rejected: [] }
  for (const body of bodies) {
    const usable = usableId(id.evaluate({ ...names, record: body }))
    // Let the stream itself say what is wrong with a body without id.
    sort(usable === null ? stream.toRecord(null) : { id: usable, version: null, body: {}, deleted: true }, made)
  }
  return made
}

function sort(record: SourceRecord | RejectedRecord, { records, rejected }: Made): void {
  if (isRejected(record)) rejected.push(record)
  else records.push(record)
}
