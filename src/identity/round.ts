import type { Json, JsonObject, JsonText } from '../core/index.ts'
import type { MapInput, SyncDefinition } from '../mapping/index.ts'
import type { EntityTimeline, EntityType } from './contract.ts'
import { featuresOf, keyFor, shownOf, textsOf } from './features.ts'
import { FIELD_KINDS } from './kinds.ts'
import { matchPending } from './match-pending.ts'
import type { EventWrite, HeldLease, IdentityPlace, IdentityPorts, IdentityWrite } from './ports.ts'

/** Records that are read, mapped and saved at once. */
const BATCH = 400

export type RoundCounts = { read: number; matched: number; linked: number; proposed: number }

type Round = { ports: IdentityPorts; type: EntityType; lease: HeldLease; counts: RoundCounts }

/**
 * Brings one entity type up to date with the change log: what changed is read and indexed first, in all its streams, and then held
 * against everything else, so that no pair is judged before its rivals are known. Work is saved batch by batch, so a round that is
 * broken off goes on where it was. Null when somebody else is at it or has a newer version of the file, or nothing is to be done.
 */
export async function runRound(
  ports: IdentityPorts,
  type: EntityType,
  signal: AbortSignal,
): Promise<RoundCounts | null> {
  const parts = partsOf(ports, type)
  const lease = await ports.holdLease(`entities:${type.name}`)
  if (!lease) return null
  const round: Round = { ports, type, lease, counts: { read: 0, matched: 0, linked: 0, proposed: 0 } }
  const stopped = (): boolean => signal.aborted || lease.signal.aborted
  try {
    const places = await ports.book.beginRound(type.name, type.version, parts)
    if (!places) return null
    const isNews = places.some(({ through, seq }) => through < seq)
    if (!isNews && !(await ports.book.readPending(type.name, null, 1)).length) return null
    for (const place of places) if (!(await readStream(round, place, stopped))) return round.counts
    if (!(await matchPending(round, stopped))) return round.counts
    // What waits for a create is looked at in each round, and lets nobody go on.
    if (isNews || round.counts.matched) await ports.book.endRound(lease, type.name, places)
    return round.counts
  } finally {
    await lease.release()
  }
}

function partsOf(ports: IdentityPorts, type: EntityType): { part: string; streamId: number }[] {
  const part = (name: string, address: EntityTimeline['from']) => {
    const streamId = ports.streamId(address)
    return streamId === undefined ? [] : [{ part: name, streamId }]
  }
  return [
    ...type.records.flatMap(({ from }) => part('records', from)),
    ...type.timeline.flatMap(({ from }, i) => part(`timeline.${i}`, from)),
  ]
}

/** Reads what a stream's log had when the round began. False when it was broken off. */
async function readStream(round: Round, place: IdentityPlace, stopped: () => boolean): Promise<boolean> {
  const { ports, counts } = round
  const { streamId, positions } = place
  for (;;) {
    if (stopped()) return false
    const log = await ports.ledger.readLog(streamId, positions, BATCH)
    // What came since is for the next round: a stream that never rests must not keep this one from its end.
    const entries = log.filter(({ seq }) => seq <= place.seq)
    if (!entries.length) return true
    for (const { slice, seq } of entries) positions.set(slice, Math.max(positions.get(slice)!, seq))
    const bodies = await ports.ledger.readBodies(
      streamId,
      entries.map(({ id }) => id),
    )
    await (place.part === 'records' ? saveRecords(round, place, bodies) : saveTimeline(round, place, bodies))
    counts.read += entries.length
  }
}

type Body = { id: string; body: string | null; deleted: boolean }

async function saveRecords({ ports, type, lease }: Round, place: IdentityPlace, bodies: Body[]): Promise<void> {
  const records = type.records.find(({ from }) => ports.streamId(from) === place.streamId)!
  const { views, gone } = await viewsOf(ports, records.view, bodies)
  const writes = views.map(({ id, view }): IdentityWrite => {
    const { shown, keys } = featuresOf(type, shownOf(type, view.fields))
    return { recordId: id, shown: JSON.stringify(shown), keys, changedAt: momentOf(view.at) }
  })
  await ports.book.saveIdentities(lease, { type: type.name, ...place }, writes, gone)
}

async function saveTimeline({ ports, type, lease }: Round, place: IdentityPlace, bodies: Body[]): Promise<void> {
  const entry = type.timeline[Number(place.part.slice('timeline.'.length))]!
  const { views, gone } = await viewsOf(ports, entry.event, bodies)
  const writes = views.flatMap(({ id, view }): EventWrite[] => {
    const key = eventKey(ports, type, entry, view.key)
    return key === null ? [] : [{ recordId: id, key, at: momentOf(view.at), text: textsOf(view.text).join(' ') }]
  })
  const without = views.map(({ id }) => id).filter((id) => !writes.some(({ recordId }) => recordId === id))
  await ports.book.saveEvents(lease, { type: type.name, ...place, kind: entry.kind }, writes, [...gone, ...without])
}

function eventKey(
  ports: IdentityPorts,
  type: EntityType,
  entry: EntityTimeline,
  value: Json | undefined,
): string | null {
  const [text] = textsOf(value)
  if (text === undefined) return null
  if ('records' in entry.by) return recordEventKey(ports.streamId(entry.by.records)!, text)
  const { field } = entry.by
  const { kind } = type.fields.find(({ name }) => name === field)!
  const normal = FIELD_KINDS[kind].normalise(text, type.country)
  return normal === null ? null : keyFor(kind, field, normal)
}

const recordEventKey = (streamId: number, id: string): string => `record=${streamId}/${id}`

/**
 * What an entry of the file makes of records. Those that are deleted, have no body any more, are filtered out, or cannot be mapped are
 * gone; the last are told of, for the file is wrong about them.
 */
async function viewsOf(
  ports: IdentityPorts,
  definition: SyncDefinition,
  bodies: Body[],
): Promise<{ views: { id: string; view: JsonObject }[]; gone: string[] }> {
  const inputs = bodies.flatMap(({ id, body, deleted }): MapInput[] => (deleted || body === null ? [] : [{ id, body }]))
  const outputs = await ports.mappings.map(definition, inputs)
  const views = outputs.flatMap((output, i) => {
    const values: JsonText | undefined = output.status === 'mapped' ? output.parts[0]?.values : undefined
    return values ? [{ id: inputs[i]!.id, view: values.value }] : []
  })
  const failures = outputs.flatMap((output) => (output.status === 'failed' ? [output.error] : []))
  if (failures.length) {
    const { code, place } = failures[0]!
    ports.log.warn(
      { code, place, failures: failures.length },
      `${definition.name}: records that cannot be mapped are left out`,
    )
  }
  const seen = new Set(views.map(({ id }) => id))
  return { views, gone: bodies.map(({ id }) => id).filter((id) => !seen.has(id)) }
}

/** ISO 8601, or milliseconds since 1970; nothing else is a moment. */
function momentOf(value: Json | undefined): Date | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const date = new Date(typeof value === 'string' && /^\d{10,}$/.test(value) ? Number(value) : value)
  return Number.isNaN(date.getTime()) ? null : date
}
