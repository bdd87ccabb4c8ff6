import {
  inSpan,
  isObject,
  type Json,
  JsonText,
  type SerializedError,
  SLICES,
  sliceOf,
  timed,
  timesNow,
  traced,
} from '../core/index.ts'
import type { JoinKeys, JoinSpec, MapInput, MapOutput } from '../mapping/index.ts'
import { type WholeBody, wholeBodies } from './kept.ts'
import { isStorableKey, keysOf, type LogBody } from './ports.ts'
import { waitForPull } from './pull-wait.ts'
import { isEnough, killed } from './suspects.ts'
import { beginBatch } from './traces.ts'
import type { BatchRecord, Lane, MappedBatch } from './work.ts'

/** Records per batch: wide enough for the widest calls (100 to 200), small enough that a takeover repeats little. */
export const BATCH = 400
/** At most this share of a batch is repeats, so that a heap of failures never stops what is new. */
const DUE_SHARE = 0.5

export const slicesOf = (lane: number, lanes: number): number[] =>
  Array.from({ length: SLICES }, (_, slice) => slice).filter((slice) => slice % lanes === lane)

/**
 * Reads a lane's next records and maps them, one batch ahead of what is being written. Keeps provisional positions: the
 * ledger's move only with the commit of the deliveries.
 */
export class LaneReader {
  readonly #lane: Lane
  readonly #streamId: number
  readonly #positions: Map<number, number>
  readonly #inFlight = new Set<string>()

  constructor(lane: Lane, streamId: number, positions: Map<number, number>) {
    this.#lane = lane
    this.#streamId = streamId
    this.#positions = positions
  }

  /** The next mapped batch, or null when nothing is left now. */
  async next(): Promise<MappedBatch | null> {
    const { ledger } = this.#lane.ports
    timesNow()?.restart()
    const bulk = this.#lane.target.bulk?.(this.#lane.sync.to.stream) ?? null
    const most = Math.max(BATCH, bulk?.size ?? 0)
    const [allDue, log] = await Promise.all([
      ledger.readDue(this.#lane.row.id, this.#lane.slices, most * DUE_SHARE),
      ledger.readLog(this.#streamId, this.#positions, most),
    ])
    const free = allDue.filter((id) => !this.#inFlight.has(id))
    // Fewer than are worth a call for very many are a batch like any other.
    const size = bulk && free.length + log.length > bulk.above ? most : BATCH
    const due = free.slice(0, size * DUE_SHARE)
    // In order of their numbers, so what is left for the next batch is the end of every slice.
    const fresh = log.slice(0, Math.max(size - due.length, size * (1 - DUE_SHARE)))
    for (const entry of fresh) this.#positions.set(entry.slice, entry.seq)
    const freshIds = new Set(fresh.map((entry) => entry.id))
    const records = await this.#withBodies(
      fresh,
      due.filter((id) => !freshIds.has(id)),
    )
    if (!records.length) return null
    timesNow()?.begin()
    for (const record of records) this.#inFlight.add(record.id)
    const span = await beginBatch(this.#lane, records)
    const attributes = { 'causeway.sync': this.#lane.sync.name, 'causeway.records': records.length }
    const map = (): Promise<MappedBatch> => mapInParts(this.#lane, records)
    return { ...(await inSpan(span, () => traced('map batch', { attributes }, map))), span }
  }

  /** The next record by itself, noted before it is looked at; set aside when that ended the process before. */
  async nextAlone(): Promise<MappedBatch | null> {
    const { ports, row, lease, slices } = this.#lane
    timesNow()?.restart()
    const [due] = await ports.ledger.readDue(row.id, slices, 1)
    // It gives at least one of each slice.
    const [fresh] = due === undefined ? await ports.ledger.readLog(this.#streamId, this.#positions, 1) : []
    const id = due ?? fresh?.id
    if (id === undefined) return null
    timesNow()?.begin()
    const starts = await ports.ledger.noteSuspect(lease, id)
    if (fresh) this.#positions.set(fresh.slice, fresh.seq)
    const records = await this.#withBodies(fresh ? [fresh] : [], due === undefined ? [] : [due])
    if (!(await isEnough(starts, ports)))
      return { ...(await mapBatch(this.#lane, records, { store: true })), alone: true }
    const output: MapOutput = { status: 'failed', error: killed(this.#lane, id, starts) }
    return { records, outputs: records.map(() => output), dependencies: [], joined: [], alone: true }
  }

  /** Called when a batch is committed: its records may come again. */
  done(batch: MappedBatch): void {
    for (const record of batch.records) this.#inFlight.delete(record.id)
  }

  async #withBodies(
    fresh: { id: string; slice: number; seq: number; deleted: boolean; content: string | null }[],
    due: string[],
  ): Promise<BatchRecord[]> {
    const { ledger, bodies } = this.#lane.ports
    const cached = new Map<string, JsonText>()
    for (const entry of fresh) {
      const body = bodies.get(this.#streamId, entry.id, entry.seq)
      if (body !== undefined) cached.set(entry.id, body)
    }
    const missing = [
      ...fresh.filter((entry) => !cached.has(entry.id) && !entry.deleted).map((entry) => entry.id),
      ...due,
    ]
    const rows = await sourceBodies(this.#lane, await ledger.readBodies(this.#streamId, missing), { store: true })
    const read = new Map(rows.map((row) => [row.id, row]))
    const records = fresh.map((entry): BatchRecord => {
      const row = read.get(entry.id)
      const body = cached.get(entry.id)
      // Between the two reads the record may have moved on; then we deliver the newer state under its own number.
      if (body !== undefined || !row) return { ...entry, body: body ?? null, logSeq: entry.seq }
      return toRecord(row, entry.seq)
    })
    for (const id of due) {
      const row = read.get(id)
      if (row) records.push(toRecord(row, null))
    }
    return records
  }
}

/** What a person corrected holds as long as the source has said nothing newer. */
const withCorrection = (row: WholeBody, correction: { seq: number; body: string } | undefined): WholeBody => {
  if (correction?.seq !== row.seq || row.deleted) return row
  const { missing: _found, ...rest } = row
  return { ...rest, body: correction.body }
}

/**
 * Rows of the source stream with what the mapping reads, asked for again where the hub does not keep it, and as a person
 * corrected them: a push, a plan and an apply see the same.
 */
export async function sourceBodies(lane: Lane, rows: LogBody[], { store }: { store: boolean }): Promise<WholeBody[]> {
  const whole = await wholeBodies(lane.ports, rows, {
    streamId: lane.row.fromStream,
    address: lane.sync.from,
    reads: lane.sync.reads?.source,
    store,
    signal: lane.signal,
  })
  const ids = rows.map(({ id }) => id)
  const corrections = await lane.ports.ledger.readCorrections(lane.row.id, ids)
  return corrections.size ? whole.map((row) => withCorrection(row, corrections.get(row.id))) : whole
}

export const toRecord = (row: WholeBody, logSeq: number | null): BatchRecord => ({
  id: row.id,
  slice: sliceOf(row.id),
  seq: row.seq,
  body: row.body === null ? null : JsonText.from(row.body),
  deleted: row.deleted,
  content: row.content,
  ...(row.missing ? { missing: row.missing } : {}),
  logSeq,
})

/** A wide batch is mapped as several usual ones: the processes that map have their limits. */
async function mapInParts(lane: Lane, records: BatchRecord[]): Promise<MappedBatch> {
  if (records.length <= BATCH) return mapBatch(lane, records, { store: true })
  const whole: MappedBatch = { records, outputs: [], dependencies: [], joined: [] }
  for (let at = 0; at < records.length; at += BATCH) {
    const part = await mapBatch(lane, records.slice(at, at + BATCH), { store: true })
    whole.outputs.push(...part.outputs)
    whole.dependencies.push(...part.dependencies)
    // As of the first part, which was joined before all others.
    if (at === 0) whole.joined = part.joined
  }
  return whole
}

/**
 * Fetches joins and runs the mapping over the live records; deleted ones need none. `store`: what a source gives anew of joined
 * records that the hub does not keep may be stored.
 */
export async function mapBatch(
  lane: Lane,
  records: BatchRecord[],
  { store }: { store: boolean },
): Promise<MappedBatch> {
  const { live, inputs, joined, dependencies, failed } = await inputsOf(lane, records, { store })
  const { mappings } = lane.ports
  const mapped = inputs.length ? await timed('mapping', () => mappings.map(lane.sync, inputs, lane.signal)) : []
  const outputs = new Map(live.map((record, i) => [record, failed.get(record.id) ?? mapped[i]!]))
  const outputOf = (record: BatchRecord): MapOutput =>
    record.missing && !record.deleted
      ? { status: 'failed', error: record.missing }
      : (outputs.get(record) ?? { status: 'filtered' })
  return { records, outputs: records.map(outputOf), dependencies, joined }
}

/** What the mapping gets of the live records: their bodies, with the records that they join. */
async function inputsOf(lane: Lane, records: BatchRecord[], { store }: { store: boolean }) {
  const live = records.filter((record) => !record.deleted && record.body !== null)
  const inputs: MapInput[] = live.map((record) => ({ id: record.id, body: record.body?.bytes ?? '' }))
  const { joined, incomplete } = await joinedStreams(lane)
  return { live, inputs, joined, ...(await addJoins(lane, inputs, { incomplete, store })) }
}

/** One record as the mapping gets it, or why what it joins cannot be had. Neither where it is deleted, or has no body. */
export async function inputOf(lane: Lane, record: BatchRecord): Promise<{ input?: MapInput; error?: SerializedError }> {
  if (record.missing) return {}
  const { inputs, failed } = await inputsOf(lane, [record], { store: false })
  const output = failed.get(record.id)
  if (output?.status === 'failed') return { error: output.error }
  return inputs[0] ? { input: inputs[0] } : {}
}

/**
 * How far the joined streams are before anything is read from them, and which cannot be asked by key yet. The own stream has
 * only one position, which is not told.
 */
async function joinedStreams(lane: Lane): Promise<{ joined: MappedBatch['joined']; incomplete: Set<number> }> {
  const ids = new Set(lane.sync.joins.map((join) => lane.ports.model().streamId(join.from)))
  const joined: MappedBatch['joined'] = []
  const incomplete = new Set<number>()
  for (const streamId of ids) {
    if (streamId === undefined) continue
    const { seq, keysMissing } = (await lane.ports.ledger.readStream(streamId))!
    if (streamId !== lane.row.fromStream) joined.push({ streamId, seq })
    if (keysMissing !== null) incomplete.add(streamId)
  }
  return { joined, incomplete }
}

/** Binds the records of joined streams to the inputs and says what each input was computed from. */
async function addJoins(
  lane: Lane,
  inputs: MapInput[],
  { incomplete, store }: { incomplete: ReadonlySet<number>; store: boolean },
): Promise<{ dependencies: MappedBatch['dependencies']; failed: Map<string, MapOutput> }> {
  const failed = new Map<string, MapOutput>()
  if (!lane.sync.joins.length) return { dependencies: [], failed }
  const { mappings } = lane.ports
  const keysPerInput = await timed('mapping', () => mappings.joinKeys(lane.sync, inputs, lane.signal))
  const dependencies = inputs.map((input) => ({ recordId: input.id, keys: [] as { streamId: number; key: string }[] }))
  // Without its keys a record would be mapped as if it had nothing to join.
  keysPerInput.forEach((keys, i) => {
    if (isError(keys)) failed.set(inputs[i]!.id, { status: 'failed', error: keys })
  })
  for (const join of lane.sync.joins) {
    const streamId = lane.ports.model().streamId(join.from)
    if (streamId === undefined) continue
    const wanted = keysPerInput.map((keys) => (isError(keys) ? [] : (keys[join.name] ?? []).filter(isStorableKey)))
    if (join.field !== null && incomplete.has(streamId))
      inputs.forEach((input, i) => {
        if (wanted[i]!.length && !failed.has(input.id)) failed.set(input.id, { status: 'failed', error: unread(join) })
      })
    const found = await findJoined(lane, join, { streamId, keys: [...new Set(wanted.flat())], store })
    inputs.forEach((input, i) => {
      const all = wanted[i]!.flatMap((key) => found.get(key) ?? []).filter((row) => !row.deleted)
      const lost = all.find((row) => row.missing)
      if (lost) failed.set(input.id, { status: 'failed', error: lost.missing! })
      const rows = all.filter((row) => row.body !== null)
      const texts = rows.map((row) => row.body!)
      input.joins ??= {}
      input.joins[join.name] = join.take === 'many' ? `[${texts.join(',')}]` : (texts[0] ?? 'null')
      const keys = dependencies[i]!.keys
      for (const key of wanted[i]!)
        keys.push({ streamId, key: join.field === null ? idKey(key) : fieldKey(join.field, key) })
      for (const row of all) if (join.field !== null) keys.push({ streamId, key: idKey(row.id) })
    })
  }
  return { dependencies, failed }
}

const unread = ({ from }: JoinSpec): SerializedError =>
  waitForPull(
    `join fields of ${from.connection}:${from.stream} have changed, and a full pull has to read their values first`,
  )

/** A join may be called "code" too, but its keys are a list. */
const isError = (keys: JoinKeys | SerializedError): keys is SerializedError => typeof keys.code === 'string'

const idKey = (id: string): string => `#${id}`
const fieldKey = (field: string, value: string): string => `${field}=${value}`

async function findJoined(
  lane: Lane,
  { name, from, field }: JoinSpec,
  { streamId, keys, store }: { streamId: number; keys: string[]; store: boolean },
): Promise<Map<string, WholeBody[]>> {
  const { ledger } = lane.ports
  const idsByKey =
    field === null ? new Map(keys.map((key) => [key, [key]])) : await ledger.findByKey(streamId, field, keys)
  const kept = await ledger.readBodies(streamId, [...new Set([...idsByKey.values()].flat())])
  const reads = lane.sync.reads?.joins[name]
  const wish = { streamId, address: from, reads, store, joined: true, signal: lane.signal }
  const rows = new Map((await wholeBodies(lane.ports, kept, wish)).map((row) => [row.id, row]))
  return new Map([...idsByKey].map(([key, ids]) => [key, ids.flatMap((id) => rows.get(id) ?? [])]))
}

const FOLLOW_BATCH = 1_000

/** Makes records due whose joined records changed. Only lane 0 does this, for all slices of the joined stream. */
export async function followJoins(lane: Lane): Promise<void> {
  const { ledger } = lane.ports
  const fieldsByStream = new Map<number, string[]>()
  for (const join of lane.sync.joins) {
    const streamId = lane.ports.model().streamId(join.from)
    // A sync that joins its own source has one position in it, which belongs to the reader: `followOwnJoins` does this part.
    if (streamId === undefined || streamId === lane.row.fromStream) continue
    fieldsByStream.set(streamId, [
      ...(fieldsByStream.get(streamId) ?? []),
      ...(join.field === null ? [] : [join.field]),
    ])
  }
  const allSlices = Array.from({ length: SLICES }, (_, slice) => slice)
  for (const [streamId, fields] of fieldsByStream) {
    const positions = await ledger.readPositions(lane.row.id, streamId, allSlices)
    for (;;) {
      if (lane.signal.aborted) return
      const seqBefore = (await ledger.readStream(streamId))!.seq
      const changed = await ledger.readLog(streamId, positions, FOLLOW_BATCH)
      const rows = await ledger.readBodies(
        streamId,
        changed.map((entry) => entry.id),
      )
      const keys = rows.flatMap((row) => [
        idKey(row.id),
        ...joinValues(row.body === null ? null : JsonText.from(row.body), fields),
      ])
      const moves = changed.length ? moveTo(positions, changed) : gapsBefore(positions, seqBefore)
      if (moves.length) await ledger.followChanges({ syncId: lane.row.id, streamId, lease: lane.lease, keys, moves })
      for (const move of moves) positions.set(move.slice, move.to)
      if (!changed.length) break
    }
  }
}

/**
 * The same for a sync that joins its own source (people and their managers): what changed is in the batch. Called before the
 * batch is committed, so that a crash between the two repeats the wake-up rather than losing it.
 */
export async function followOwnJoins(lane: Lane, records: BatchRecord[]): Promise<void> {
  const own = lane.sync.joins.filter((join) => lane.ports.model().streamId(join.from) === lane.row.fromStream)
  if (!own.length) return
  const fields = own.flatMap((join) => (join.field === null ? [] : [join.field]))
  const keys = records.flatMap((record) => [idKey(record.id), ...joinValues(record.body, fields)])
  await lane.ports.ledger.wakeDependents(lane.row.id, lane.row.fromStream, keys)
}

const joinValues = (text: JsonText | null, fields: string[]): string[] => {
  const body: Json = text?.value ?? null
  return isObject(body) ? keysOf(body, fields).map((key) => fieldKey(key.field, key.value)) : []
}

/** Slices that have nothing left before `seq` reach it too, so that "caught up" is a comparison of numbers. */
export const gapsBefore = (
  positions: ReadonlyMap<number, number>,
  seq: number,
): { slice: number; from: number; to: number }[] =>
  [...positions].filter(([, at]) => at < seq).map(([slice, from]) => ({ slice, from, to: seq }))

/** From → to per slice, for the last entry of each. */
export function moveTo(
  positions: ReadonlyMap<number, number>,
  entries: { slice: number; seq: number }[],
): { slice: number; from: number; to: number }[] {
  const last = new Map<number, number>()
  for (const entry of entries) last.set(entry.slice, Math.max(last.get(entry.slice) ?? 0, entry.seq))
  return [...last].map(([slice, to]) => ({ slice, from: positions.get(slice)!, to }))
}
