/**
 * Compares both sides of a sync: what the mapping makes of the source against what the target really holds, field by field. It
 * reads and writes nothing; the changes it gives are a plan that starts from the target, and repairs what differs when applied.
 */
import { CausewayError, digest, type Json, sameJson } from '../core/index.ts'
import { type PlannedChange, planBatch, planningLane, recordsOf, toChange } from './plan.ts'
import { HASHES, type Ports } from './ports.ts'
import { type LeftAlone, leftAlone } from './verify-two-way.ts'
import type { Lane, Work } from './work.ts'

/** `stale`: the source moved on and was not delivered yet. `diverged`: the target holds other than what was delivered. */
type Finding = 'equal' | 'missing' | 'stale' | 'diverged' | 'waiting' | 'left out' | 'unchecked'

/**
 * `waiting`: of a two-way sync, an edit of the other side is on its way, or a person is asked. `unseen`: the target does not show the field,
 * be it write-only or empty there; nothing is judged by it.
 */
type FieldFinding = {
  field: string
  stale: number
  diverged: number
  waiting: number
  unseen: number
  samples: FieldSample[]
}
type FieldSample = { record: string; target: string | null; source: Json; there: Json | null }

type Extra = {
  /** Records that a complete read of the target gave. */
  read: number
  /** Those among them that no record of the source stands for. */
  extra: number
  samples: string[]
}

export type Verification = {
  sync: string
  version: string
  records: number
  /** Parts by finding. */
  findings: Record<Finding, number>
  /** Fields that differ, those that differ most often first. */
  fields: FieldFinding[]
  extra: Extra | null
  reads: number
  truncated: boolean
  /** What would make the target equal; `missing` records that were there before are named with CSW-3009 and not made again. */
  changes: PlannedChange[]
}

type VerifyOptions = {
  records?: string[]
  /** So many records chosen by chance, instead of all. */
  sample?: number
  /** Chooses them: the same seed gives the same records. */
  seed?: string
  /** Reads all of the target and counts what no source record stands for. */
  extra: boolean
  limit: number
  signal: AbortSignal
}

const SAMPLES = 5
/** More changes than this are counted, not listed. */
const MAX_CHANGES = 2_000

export async function verifySync(ports: Ports, syncId: number, options: VerifyOptions): Promise<Verification> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  const { row, definition } = known
  const lane = await planningLane(ports, row, definition, options.signal)
  const ids = options.records ?? (await chosen(ports, row.fromStream, options))
  const result = nothingYet(definition.name, definition.version)
  for await (const records of recordsOf(lane, { ...(ids ? { records: ids } : {}), limit: options.limit })) {
    if (result.records + records.length > options.limit) {
      result.truncated = true
      records.length = options.limit - result.records
    }
    if (!records.length) break
    const { works } = await planBatch(lane, records, 'target')
    result.records += records.length
    const alone = await leftAlone(lane, works)
    for (const work of works) note(lane, work, alone.get(work) ?? NOTHING_LEFT, result)
    if (result.truncated) break
  }
  result.fields.sort((a, b) => b.stale + b.diverged - (a.stale + a.diverged) || b.unseen - a.unseen)
  if (options.extra) result.extra = await findExtra(ports, lane, options.signal)
  result.reads = lane.reads.count
  return result
}

const nothingYet = (sync: string, version: string): Verification => ({
  sync,
  version,
  records: 0,
  findings: { equal: 0, missing: 0, stale: 0, diverged: 0, waiting: 0, 'left out': 0, unchecked: 0 },
  fields: [],
  extra: null,
  reads: 0,
  truncated: false,
  changes: [],
})

async function chosen(ports: Ports, streamId: number, options: VerifyOptions): Promise<string[] | undefined> {
  if (options.sample === undefined) return undefined
  return ports.ledger.sampleRecords(
    streamId,
    options.sample,
    options.seed ?? digest(String(ports.clock.now().getTime())),
  )
}

const NOTHING_LEFT: LeftAlone = { waiting: [], standing: [] }

function note(lane: Lane, work: Work, alone: LeftAlone, result: Verification): void {
  const differing = [...fieldsThatDiffer(work), ...differencesOf(work, alone)]
  const finding = findingOf(work, differing)
  result.findings[finding]++
  for (const field of differing) count(result.fields, work, field)
  for (const field of unseenFields(work)) fieldOf(result.fields, field).unseen++
  const isWrong = finding === 'stale' || finding === 'diverged'
  if (finding !== 'missing' && (work.settlement || !isWrong)) return
  if (result.changes.length < MAX_CHANGES) result.changes.push(toChange(lane, work))
}

type Difference = { field: string; kind: 'stale' | 'diverged' | 'waiting'; source: Json; there: Json | null }

/** What the merge leaves as it stands there: nothing of it can be repaired from this side. */
function differencesOf({ merge, known }: Work, { waiting, standing }: LeftAlone): Difference[] {
  const difference = (kind: Difference['kind']) => (field: string) => ({
    ...{ field, kind },
    source: merge!.mine[field]!,
    there: known![field]!,
  })
  return [...waiting.map(difference('waiting')), ...standing.map(difference('diverged'))]
}

function findingOf(work: Work, differing: Difference[]): Finding {
  const state = work.settlement?.state
  if (state === 'dead' && work.asked) return 'missing'
  if (state === 'skipped' || state === 'gone') return 'left out'
  if (state !== undefined && state !== 'unchanged') return 'waiting'
  if (work.targetId === null) return 'missing'
  // It should have left the target.
  if (work.operation === 'delete') return 'stale'
  if (!work.asked && work.known === null) return 'unchecked'
  if (!differing.length) return 'equal'
  const has = (wanted: Difference['kind']): boolean => differing.some(({ kind }) => kind === wanted)
  return has('diverged') ? 'diverged' : has('stale') ? 'stale' : 'waiting'
}

/** What an update would send: the source moved on where that is not what was delivered, the target moved where it is. */
function fieldsThatDiffer(work: Work): Difference[] {
  if (work.settlement || work.targetId === null || work.operation === 'delete') return []
  const delivered = work.delivered?.value ?? {}
  const wanted = Object.entries(work.values.value)
  return wanted.flatMap(([field, source]): Difference[] => {
    const there = work.known && Object.hasOwn(work.known, field) ? work.known[field]! : null
    if (!Object.hasOwn(work.send.value, field) || sameJson(there, source)) return []
    const kind = Object.hasOwn(delivered, field) && sameJson(delivered[field], source) ? 'diverged' : 'stale'
    return [{ field, kind, source, there }]
  })
}

function count(fields: FieldFinding[], work: Work, { field, kind, source, there }: Difference): void {
  const found = fieldOf(fields, field)
  found[kind]++
  if (found.samples.length < SAMPLES)
    found.samples.push({ record: work.record.id, target: work.targetId, source, there })
}

function fieldOf(fields: FieldFinding[], field: string): FieldFinding {
  const known = fields.find((one) => one.field === field)
  if (known) return known
  const found = { field, stale: 0, diverged: 0, waiting: 0, unseen: 0, samples: [] }
  fields.push(found)
  return found
}

function unseenFields({ asked, known, values, merge }: Work): string[] {
  if (!asked || known === null) return []
  return Object.entries(merge?.base ? merge.mine : values.value).flatMap(([field, value]) =>
    value === null || Object.hasOwn(known, field) || field === HASHES ? [] : [field],
  )
}

async function findExtra(ports: Ports, lane: Lane, signal: AbortSignal): Promise<Extra> {
  const target = await ports.session(lane.sync.to.connection)
  const { stream } = lane.sync.to
  if (!target.streams.get(stream)?.abilities.read)
    throw new CausewayError('CSW-2003', { what: `${lane.sync.to.connection}:${stream} cannot be read as a whole` })
  const extra: Extra = { read: 0, extra: 0, samples: [] }
  for await (const page of target.read({ stream, mode: 'full', cursor: null, signal })) {
    const ids = page.records.filter((record) => !record.deleted).map(({ id }) => id)
    const alone = await ports.ledger.findUnlinked(lane.row.fromStream, lane.row.toStream, ids)
    extra.read += ids.length
    extra.extra += alone.length
    extra.samples.push(...alone.slice(0, SAMPLES - extra.samples.length))
  }
  return extra
}
