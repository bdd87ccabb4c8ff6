/**
 * What a push would do to its target, per record and per field, from the change log and reads alone. It goes the way of a push
 * (decide, references, match, diff) and stops where that would write; a write or an uncovered ledger call on the way is refused.
 */
import type { ConnectorSession } from '../connector/index.ts'
import { CausewayError, digest, type Json, type JsonObject, type SerializedError, SLICES } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { askTargets } from './ask-targets.ts'
import { decide } from './decide.ts'
import { diff } from './diff.ts'
import { matchTargets } from './match.ts'
import { mergeSides } from './merge.ts'
import type { HeldLease, Ports } from './ports.ts'
import { mapBatch, slicesOf, sourceBodies, toRecord } from './read-batch.ts'
import { resolveReferences } from './references.ts'
import { refuseTwins } from './twins.ts'
import { type BatchRecord, identifyingKeys, type Lane, type MappedBatch, type Work } from './work.ts'

/** What would become of a part. `unchanged` and the rest of the states mean that nothing would be written. */
type PlannedAction = 'create' | 'update' | 'upsert' | 'delete' | NonNullable<Work['settlement']>['state']

export type PlannedField = { field: string; before: Json | null; after: Json | null }

export type PlannedChange = {
  record: string
  part: string
  /** Sequence number of the source record the change was computed from. */
  seq: number
  action: PlannedAction
  /** Id of the target record; null for one that does not exist yet. */
  target: string | null
  /** How the target was found: `link` (delivered before), or the fields that matched. */
  matched: 'link' | string[] | null
  fields: PlannedField[]
  error: SerializedError | null
  /** Changes with anything the change depends on; `apply` refuses a change whose fingerprint is another one by then. */
  fingerprint: string
}

export type PlanSummary = {
  sync: string
  version: string
  /** Records looked at. */
  records: number
  /** Parts by action. */
  actions: Record<string, number>
  /** Look-ups and fetches that the plan itself sent to the target. */
  reads: number
  /** True when there was more than was asked for. */
  truncated: boolean
}

export type PlanOptions = {
  /** Only these source records; all of the change log otherwise. */
  records?: string[]
  /** Another version of the mapping, to see what it would do. */
  definition?: SyncDefinition
  /** At most so many source records. */
  limit: number
  signal: AbortSignal
}

/** What a planned change starts from: what was delivered before, or what the target is seen to hold now. */
export type PlanBasis = 'delivered' | 'target'

type Ledger = Ports['ledger']

const BATCH = 400
/** Ledger functions that only read. */
const READS: ReadonlySet<keyof Ledger> = new Set([
  'readStream',
  'readSync',
  'readConnection',
  'readLog',
  'readBodies',
  'readConflicts',
  'readCorrections',
  'readDeliveries',
  'readMarks',
  'readIntents',
  'findByKey',
  'findGoneTargets',
  'findOwners',
  'findTargets',
  'findFormerTargets',
  'findTwins',
  'findApprovedRecords',
  'countDelivered',
  'readIdentityStanding',
  'readTargetKeys',
  'readWritesUnderWay',
])

/** Plans a sync batch by batch; gives the changes of each batch, and at the end what they come to. */
export async function* planSync(
  ports: Ports,
  syncId: number,
  options: PlanOptions,
): AsyncGenerator<PlannedChange[], PlanSummary> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  const lane = await planningLane(ports, known.row, options.definition ?? known.definition, options.signal)
  const summary: PlanSummary = {
    sync: lane.sync.name,
    version: lane.sync.version,
    records: 0,
    actions: {},
    reads: 0,
    truncated: false,
  }
  for await (const records of recordsOf(lane, options)) {
    if (summary.records + records.length > options.limit) {
      summary.truncated = true
      records.length = options.limit - summary.records
    }
    if (!records.length) break
    const changes = (await planBatch(lane, records)).works.map((work) => toChange(lane, work))
    summary.records += records.length
    for (const { action } of changes) summary.actions[action] = (summary.actions[action] ?? 0) + 1
    yield changes
    if (summary.truncated) break
  }
  summary.reads = lane.reads.count
  return summary
}

type PlanningLane = Lane & { reads: { count: number } }

export async function planningLane(
  ports: Ports,
  row: Lane['row'],
  sync: SyncDefinition,
  signal: AbortSignal,
): Promise<PlanningLane> {
  const reads = { count: 0 }
  return {
    ports: { ...ports, ledger: readOnly(ports.ledger) },
    row,
    sync,
    lane: 0,
    slices: slicesOf(0, 1),
    targetKeys: identifyingKeys(ports, row.toStream),
    lease: NO_LEASE,
    source: await ports.session(sync.from.connection),
    target: readOnlyTarget(await ports.session(sync.to.connection), reads),
    signal,
    reads,
  }
}

/** Nothing is held, so nothing may be sent. */
const NO_LEASE: HeldLease = {
  name: 'plan',
  token: 0,
  formerDied: false,
  signal: new AbortController().signal,
  stillHeld: () => false,
  release: async () => {},
}

const refusal = (what: string): CausewayError => new CausewayError('CSW-1001', { what: `a plan must not ${what}` })

/** The ledger as a plan may use it: every call that is not known to read is refused. */
export function readOnly(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name, receiver) {
      if (READS.has(name as keyof Ledger)) return Reflect.get(target, name, receiver)
      throw refusal(`call ${String(name)}`)
    },
  })
}

function readOnlyTarget(session: ConnectorSession, reads: { count: number }): ConnectorSession {
  const counted =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      reads.count++
      return call(...args)
    }
  const allowed: Partial<ConnectorSession> = {
    streams: session.streams,
    lookup: counted((request) => session.lookup(request)),
    fetch: counted((request) => session.fetch(request)),
  }
  return new Proxy(session, {
    get(_target, name) {
      // Promises ask everything they meet for `then`.
      if (name === 'then') return undefined
      if (Object.hasOwn(allowed, name)) return allowed[name as keyof ConnectorSession]
      throw refusal(`call ${String(name)} on the target`)
    },
  })
}

export async function* recordsOf(
  lane: Lane,
  { records, limit }: Pick<PlanOptions, 'records' | 'limit'>,
): AsyncGenerator<BatchRecord[]> {
  const { ledger } = lane.ports
  const streamId = lane.row.fromStream
  const whole = async (ids: string[]): Promise<BatchRecord[]> =>
    (await sourceBodies(lane, await ledger.readBodies(streamId, ids), { store: false })).map((row) =>
      toRecord(row, null),
    )
  if (records) {
    for (let at = 0; at < records.length; at += BATCH) yield await whole(records.slice(at, at + BATCH))
    return
  }
  const positions = new Map(Array.from({ length: SLICES }, (_, slice) => [slice, 0]))
  for (;;) {
    const entries = await ledger.readLog(streamId, positions, Math.min(BATCH, limit + 1))
    if (!entries.length) return
    for (const entry of entries) positions.set(entry.slice, Math.max(positions.get(entry.slice)!, entry.seq))
    const ids = entries.map((entry) => entry.id)
    yield await whole(ids)
  }
}

/** The way of a push up to where it would write. */
export async function planBatch(
  lane: Lane,
  records: BatchRecord[],
  basis: PlanBasis = 'delivered',
): Promise<{ batch: MappedBatch; works: Work[] }> {
  const { ledger } = lane.ports
  const ids = records.map((record) => record.id)
  const batch = await mapBatch(lane, records, { store: false })
  const [deliveries, intents, targets] = await Promise.all([
    ledger.readDeliveries(lane.row.id, ids),
    ledger.readIntents(lane.row.id, ids),
    ledger.findTargets(lane.row.fromStream, lane.row.toStream, ids),
  ])
  const deliveriesOf = Map.groupBy(deliveries, (row) => row.recordId)
  const intentsOf = Map.groupBy(intents, (row) => row.recordId)
  const works = records.flatMap((record, i) =>
    decide(lane, record, batch.outputs[i]!, deliveriesOf.get(record.id) ?? [], intentsOf.get(record.id) ?? []),
  )
  await resolveReferences(lane, works, new Map(records.map((record, i) => [record.id, batch.outputs[i]!])))
  await matchTargets(lane, works, targets)
  if (basis === 'target') await askTargets(lane, works)
  if (lane.sync.twoWay) await mergeSides(lane, works)
  diff(lane, works)
  await refuseTwins(lane, works)
  // The record as a whole, beside its parts, is bookkeeping of ours.
  const shown = works.filter((work) => !(lane.sync.multipart && work.part === '' && !work.settlement?.error))
  await showTargets(lane, shown)
  return { batch, works: shown }
}

/** What the target really holds of the records that would be updated, where it can be asked by id. */
async function showTargets(lane: Lane, works: Work[]): Promise<void> {
  const unseen = works.filter((work) => work.operation === 'update' && work.known === null && work.targetId !== null)
  if (!unseen.length) return
  try {
    const ids = [...new Set(unseen.map((work) => work.targetId!))]
    const found = await lane.target.fetch({ stream: lane.sync.to.stream, ids, signal: lane.signal })
    const bodies = new Map(found.map((record) => [record.id, record.body]))
    for (const work of unseen) work.known = bodies.get(work.targetId!) ?? null
  } catch (error) {
    if (!(error instanceof CausewayError) || error.code !== 'CSW-2003') throw error
  }
}

export function toChange(lane: Lane, work: Work): PlannedChange {
  const action: PlannedAction = work.settlement?.state ?? work.operation!
  const fields = work.settlement ? [] : fieldsOf(work)
  const { id: record, seq } = work.record
  const matched = work.newlyMatched ? work.matchKey.map(({ field }) => field) : work.targetId !== null ? 'link' : null
  const depends: Json[] = [
    lane.sync.version,
    record,
    work.part,
    seq,
    action,
    work.targetId,
    work.delivered?.value ?? null,
    fields as never,
  ]
  return {
    record,
    part: work.part,
    seq,
    action,
    target: work.targetId,
    matched,
    fields,
    error: work.settlement?.error ?? null,
    fingerprint: digest(JSON.stringify(depends)),
  }
}

function fieldsOf(work: Work): PlannedField[] {
  if (work.operation === 'delete') return []
  const before: JsonObject = { ...work.delivered?.value, ...work.known }
  return Object.entries((work.operation === 'update' ? work.send : work.values).value).map(([field, after]) => ({
    field,
    before: Object.hasOwn(before, field) ? before[field]! : null,
    after,
  }))
}
