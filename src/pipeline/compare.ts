/** The old and the new version of a mapping over the recorded inputs. */
import { CausewayError, type Json, type JsonObject } from '../core/index.ts'
import type { MapOutput, MappedPart, SyncDefinition } from '../mapping/index.ts'
import { type PlannedField, planningLane, recordsOf } from './plan.ts'
import type { Ports } from './ports.ts'
import { mapBatch } from './read-batch.ts'

/** One field over all records: how often the two mappings differ in it, with some of the records. */
type FieldDifference = {
  field: string
  count: number
  samples: { record: string; before: Json | null; after: Json | null }[]
}
type MappingComparison = {
  records: number
  same: number
  /** Records whose result differs, with those that only one of the two lets pass or fails at. */
  changed: number
  /** Records by what became of them under the old and the new mapping, where that differs: `filtered → mapped`. */
  outcomes: Record<string, number>
  fields: FieldDifference[]
  /** Records that could not be compared, because their bodies are not kept and the source did not give them again. */
  notKept: number
  truncated: boolean
}

const SAMPLES = 3

/** Runs two versions of a mapping over the last records of the change log and tells where they differ. */
export async function compareMappings(
  ports: Ports,
  syncId: number,
  {
    before,
    after,
    limit,
    signal,
  }: { before: SyncDefinition; after: SyncDefinition; limit: number; signal: AbortSignal },
): Promise<MappingComparison> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  const [old, young] = await Promise.all(
    [before, after].map((definition) => planningLane(ports, known.row, definition, signal)),
  )
  const fields = new Map<string, FieldDifference>()
  const result: MappingComparison = {
    records: 0,
    same: 0,
    changed: 0,
    outcomes: {},
    fields: [],
    notKept: 0,
    truncated: false,
  }
  // What either of the two reads has to be there.
  const reads =
    before.reads && after.reads
      ? { ...before.reads, source: [...before.reads.source, ...after.reads.source] }
      : undefined
  const { reads: _own, ...rest } = old!.sync
  const reader = { ...old!, sync: { ...rest, ...(reads ? { reads } : {}) } }
  const ids = await ports.ledger.lastRecords(known.row.fromStream, limit + 1)
  result.truncated = ids.length > limit
  for await (const records of recordsOf(reader, { records: ids.slice(0, limit), limit })) {
    const [left, right] = await Promise.all([old!, young!].map((lane) => mapBatch(lane, records, { store: false })))
    result.notKept += records.filter(({ missing }) => missing).length
    for (const [i, record] of records.entries())
      if (!record.missing) compareOne(record.id, left!.outputs[i]!, right!.outputs[i]!, result, fields)
    result.records += records.length
  }
  result.fields = [...fields.values()].sort((a, b) => b.count - a.count)
  return result
}

function compareOne(
  record: string,
  left: MapOutput,
  right: MapOutput,
  result: MappingComparison,
  fields: Map<string, FieldDifference>,
): void {
  let differs = left.status !== right.status
  if (differs) {
    const name = `${left.status} → ${right.status}`
    result.outcomes[name] = (result.outcomes[name] ?? 0) + 1
  }
  if (left.status === 'mapped' && right.status === 'mapped')
    for (const { field, before, after } of differences(left, right)) {
      differs = true
      const entry = fields.get(field) ?? { field, count: 0, samples: [] }
      entry.count++
      if (entry.samples.length < SAMPLES) entry.samples.push({ record, before, after })
      fields.set(field, entry)
    }
  if (differs) result.changed++
  else result.same++
}

type Mapped = Extract<MapOutput, { status: 'mapped' }>

/** Top-level fields that differ, and parts that only one of the two makes (as the field `part`). */
function differences(left: Mapped, right: Mapped): PlannedField[] {
  const [old, young] = [left, right].map(({ parts }) => new Map(parts.map((part) => [part.part, shown(part)])))
  const found: PlannedField[] = []
  for (const part of new Set([...old!.keys(), ...young!.keys()])) {
    const [before, after] = [old!.get(part), young!.get(part)]
    if (!before || !after) found.push({ field: 'part', before: before ?? null, after: after ?? null })
    else
      for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
        const [a, b] = [before, after].map((values) => (Object.hasOwn(values, field) ? values[field]! : undefined))
        if (JSON.stringify(a) !== JSON.stringify(b)) found.push({ field, before: a ?? null, after: b ?? null })
      }
  }
  return found
}

/** Values with their references shown as what they refer to. */
function shown({ values, references }: MappedPart): JsonObject {
  if (!references.length) return values.value
  const copy: JsonObject = { ...values.value }
  for (const { path, from, id } of references)
    copy[String(path[0])] = { $ref: `${from.connection}:${from.stream}/${id}` }
  return copy
}
