/** From what stands on a page to records of the stream. */
import type { Json } from '../../core/index.ts'
import type { RejectedRecord, SourceRecord } from '../contract.ts'
import type { Expression, Scope } from '../language/index.ts'
import { isRejected, usableId } from '../manifest/record.ts'
import type { StreamSpec } from '../protocols/contract.ts'
import type { ChangeLog } from './change-log.ts'
import { isTrue } from './errors.ts'
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

/** What entries of a log of changes are about: records that are there, read by id, and those that are gone. */
export async function recordsOfLog(
  {
    stream,
    log,
    fetch,
    names,
    watermark,
  }: Omit<Making, 'fetchIds' | 'split'> & {
    log: Pick<ChangeLog<unknown>, 'id' | 'deleted'>
  },
  entries: Json[],
): Promise<Made> {
  const gone: Json[] = []
  const there: string[] = []
  for (const entry of entries) {
    const scope = { ...names, record: entry }
    if (log.deleted && isTrue(log.deleted.evaluate(scope))) gone.push(entry)
    else there.push(...[usableId(log.id.evaluate(scope)) ?? []].flat())
  }
  const made = tombstonesOf(stream, log.id, gone, names)
  // An older entry about what a newer one says is gone.
  const dead = new Set(made.records.map(({ id }) => id))
  made.records.push(...(await fetch!(there.filter((id) => !dead.has(id)))))
  if (watermark) for (const entry of entries) watermark.see(entry)
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
