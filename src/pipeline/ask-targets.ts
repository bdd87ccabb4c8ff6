import type { SourceRecord } from '../connector/index.ts'
import { CausewayError } from '../core/index.ts'
import { fetchEach, unread } from './fetch-each.ts'
import { lookUp } from './look-up.ts'
import { keysOf } from './ports.ts'
import type { Lane, Work } from './work.ts'

/**
 * Reads what the target holds of each part that has a record there: by id where it can be asked so, else by a match key. `asked`
 * says of which parts it is known now. A record that is not there any more gets the error CSW-3009 and no operation.
 */
export async function askTargets(lane: Lane, works: Work[]): Promise<void> {
  const standing = works.filter((work) => work.targetId !== null && !work.settlement && work.operation !== 'delete')
  if (!standing.length) return
  const left = await askById(lane, standing)
  if (left.length) await askByKey(lane, left)
}

/** Gives those that could not be asked for: all, where the target gives no single records. */
async function askById(lane: Lane, works: Work[]): Promise<Work[]> {
  let fetched: Awaited<ReturnType<typeof fetchEach>>
  try {
    fetched = await fetchEach(lane, [...new Set(works.map((work) => work.targetId!))])
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return works
    throw error
  }
  for (const work of works) {
    const failure = fetched.failed.get(work.targetId!)
    const record = fetched.found.get(work.targetId!)
    if (failure) work.settlement = unread(failure)
    else note(work, record?.deleted ? undefined : record)
  }
  return []
}

/** A look-up that does not give the record proves little: its key may have been changed there. It stays unasked. */
async function askByKey(lane: Lane, works: Work[]): Promise<void> {
  const { lookup } = lane.target.streams.get(lane.sync.to.stream)!.abilities
  const fields = lane.sync.match.flat().filter((field) => lookup.includes(field))
  const keyed = works.flatMap((work) =>
    keysOf(work.values.value, fields)
      .slice(0, 1)
      .map((key) => ({ ...key, work })),
  )
  for (const [field, group] of Map.groupBy(keyed, (key) => key.field)) {
    const { found } = await lookUp(lane, field, [...new Set(group.map(({ value }) => value))])
    for (const { value, work } of group) {
      const record = found.get(value)?.find(({ id }) => id === work.targetId)
      if (record) note(work, record)
    }
  }
}

function note(work: Work, record: SourceRecord | undefined): void {
  work.asked = true
  if (record) {
    work.known = record.body
    work.seenVersion = record.version
    if (work.merge) Object.assign(work.merge, { condition: record.condition, thereVersion: record.version })
  } else {
    const error = new CausewayError('CSW-3009', { what: `The target has no record ${work.targetId} any more` })
    work.settlement = { state: 'dead', error: error.toJSON() }
  }
}
