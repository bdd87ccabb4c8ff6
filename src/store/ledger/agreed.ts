/**
 * What both directions of a two-way sync last agreed on stands in their delivery rows, and each direction writes to the row of
 * the other. Both rows of a pair are locked in one order, and what somebody else wrote since a row was read is kept field by field.
 */
import type pg from 'pg'
import { isObject, isRawNumber, type Json, type JsonObject, JsonText, sameJson, setOwn } from '../../core/index.ts'
import { inOneGo } from '../transaction.ts'
import { arrayText } from './array-text.ts'
import { findMoot, saveConflicts, settleConflicts, settleMoot } from './conflicts.ts'
import type { AgreedWrite, BatchCommit, DeliveryWrite, TwoWayCommit } from './types.ts'

type Row = { syncId: number; recordId: string; delivered: string | null; due: boolean; mark: string }

/** The deliveries of a batch as they are to be saved, after the rows of the other direction were brought up to date. */
export async function saveAgreed(
  client: pg.PoolClient,
  batch: BatchCommit,
  twoWay: TwoWayCommit,
): Promise<DeliveryWrite[]> {
  await insertMissing(client, batch, twoWay)
  const moot = await findMoot(client, twoWay.conflictsOf, twoWay.seen, [...twoWay.asked, ...twoWay.held])
  const rows = await lockRows(client, batch, twoWay, moot)
  const own = new Map(rows.filter((row) => row.syncId === batch.syncId).map((row) => [row.recordId, row]))
  const others = new Map(rows.filter((row) => row.syncId === twoWay.partner).map((row) => [row.recordId, row]))
  const changed = changedSince(own, twoWay.read)
  // The other direction may have learned that the edit which stood against ours is gone, before there was a question to close.
  const overtaken = twoWay.asked.filter(
    ({ other }) => other.mark !== undefined && others.get(other.recordId)?.mark !== other.mark,
  )
  const asked = twoWay.asked.filter(
    (one) => !overtaken.includes(one) && !changed.get(one.asker.recordId)?.includes(one.asker.field),
  )
  const again = new Set([...changed.keys(), ...overtaken.map(({ asker }) => asker.recordId), ...madeDue(own, twoWay)])
  await updateOthers(client, twoWay, others)
  await inOneGo([
    saveConflicts(client, twoWay.conflictsOf, asked),
    settleConflicts(client, twoWay.conflictsOf, twoWay.settled),
    settleConflicts(client, twoWay.conflictsOf, twoWay.same, {
      inside: true,
      but: [...twoWay.asked, ...twoWay.held],
    }),
    settleMoot(client, twoWay.partner, moot),
  ])
  const left = new Set(batch.unlinks.map(({ fromId }) => fromId))
  return batch.deliveries.map((row) => {
    const now = own.get(row.recordId)
    const next = rebased(row, now, twoWay.read.get(row.recordId) ?? null, left.has(row.recordId))
    // Decided on values that are not the agreed ones any more: it is decided anew.
    return again.has(row.recordId) && isAtRest(row) ? { ...next, state: 'pending', nextAttemptAt: new Date() } : next
  })
}

/** Fields that the other direction agreed on since the deliveries of the batch were read. */
function changedSince(rows: ReadonlyMap<string, Row>, read: ReadonlyMap<string, string | null>): Map<string, string[]> {
  return new Map(
    [...rows].flatMap(([id, row]) => {
      const before = read.get(id)
      if (before === undefined || before === null || row.delivered === before || row.delivered === null) return []
      const [was, is] = [parse(before), parse(row.delivered)]
      const fields = Object.keys(is).filter((field) => !field.startsWith('~') && !sameJson(is[field], own(was, field)))
      return fields.length ? [[id, fields]] : []
    }),
  )
}

/** Records that somebody wants to be looked at again since they were read: a decision, or the other direction. */
const madeDue = (rows: ReadonlyMap<string, Row>, { marks }: TwoWayCommit): string[] =>
  [...rows.values()].flatMap(({ recordId, due, mark }) =>
    due && marks.has(recordId) && marks.get(recordId) !== mark ? [recordId] : [],
  )

const isAtRest = ({ part, state }: DeliveryWrite): boolean =>
  part === '' && (state === 'delivered' || state === 'unchanged' || state === 'skipped')

/**
 * Rows that neither direction has made yet, in the order in which they are locked. The own ones too: a row that the other direction is just
 * making cannot be seen, let alone locked, but its insertion is waited for.
 */
async function insertMissing(client: pg.PoolClient, batch: BatchCommit, twoWay: TwoWayCommit): Promise<void> {
  const theirs = twoWay.agreed.filter(({ fields }) => fields !== null)
  const ours = batch.deliveries.filter(({ part, recordId }) => part === '' && !twoWay.marks.has(recordId))
  const rows = [
    ...theirs.map(({ recordId, slice }) => ({ sync: twoWay.partner, recordId, slice })),
    ...ours.map(({ recordId, slice }) => ({ sync: batch.syncId, recordId, slice })),
  ]
  if (!rows.length) return
  const ordered = rows.sort((a, b) => a.sync - b.sync || (a.recordId < b.recordId ? -1 : 1))
  await client.query(
    `insert into delivery (sync_id, record_id, part, slice, state, source_seq, mapping_version)
     select t.sync_id, t.id, '', t.slice, 'delivered', 0, $4
       from unnest($1::int[], $2::text[], $3::smallint[]) with ordinality as t(sync_id, id, slice, place) order by t.place
         on conflict do nothing`,
    [
      arrayText(ordered.map(({ sync }) => sync)),
      arrayText(ordered.map(({ recordId }) => recordId)),
      arrayText(ordered.map(({ slice }) => slice)),
      batch.mappingVersion,
    ],
  )
}

async function lockRows(
  client: pg.PoolClient,
  batch: BatchCommit,
  twoWay: TwoWayCommit,
  moot: { recordId: string }[],
): Promise<Row[]> {
  const theirs = [...twoWay.agreed, ...moot, ...twoWay.asked.map(({ other }) => other)]
  const { rows } = await client.query<Row>(
    `select sync_id as "syncId", record_id as "recordId", delivered, xmin::text as mark,
            coalesce(next_attempt_at <= clock_timestamp(), false) as due from delivery
      where part = '' and ((sync_id = $1 and record_id = any($2)) or (sync_id = $3 and record_id = any($4)))
      order by sync_id, record_id for update`,
    [
      batch.syncId,
      arrayText(batch.deliveries.map(({ recordId }) => recordId)),
      twoWay.partner,
      arrayText(theirs.map(({ recordId }) => recordId)),
    ],
  )
  return rows
}

/** A record that was never read (`source_seq` 0) comes once it is: made due before, it would be so for ever. */
async function updateOthers(client: pg.PoolClient, twoWay: TwoWayCommit, rows: Map<string, Row>): Promise<void> {
  const changed = [...folded(twoWay.agreed, rows)]
  if (!changed.length) return
  await client.query(
    `update delivery d set delivered = t.delivered,
            next_attempt_at = case when t.due and d.source_seq > 0 then now() else d.next_attempt_at end,
            state = case when t.due and d.source_seq > 0 and d.state not in ('in_doubt', 'parked', 'dead') then 'pending' else d.state end
       from unnest($2::text[], $3::text[], $4::boolean[]) as t(record_id, delivered, due)
      where d.sync_id = $1 and d.record_id = t.record_id and d.part = ''`,
    [
      twoWay.partner,
      changed.map(([recordId]) => recordId),
      changed.map(([, { text }]) => text),
      changed.map(([, { due }]) => due),
    ],
  )
}

type Folded = { text: string | null; due: boolean }

/** All that is agreed of each record in one: an update that meets a row twice takes either. */
function folded(agreed: AgreedWrite[], rows: ReadonlyMap<string, Row>): Map<string, Folded> {
  const all = new Map<string, Folded>()
  for (const row of agreed) {
    const known = rows.get(row.recordId)
    if (!known) continue
    const { text, due } = all.get(row.recordId) ?? { text: known.delivered, due: false }
    all.set(row.recordId, { text: withAgreed(text, row), due: due || row.due })
  }
  return all
}

const withAgreed = (text: string | null, { fields, mark }: AgreedWrite): string | null =>
  fields === null ? null : JsonText.of(putOver(parse(text), { ...fields, ...mark })).toString()

/** Objects of marks (`~…`) are put over each other key by key, values as a whole. */
function putOver(current: JsonObject, fields: JsonObject): JsonObject {
  const next = { ...current }
  for (const [key, value] of Object.entries(fields))
    setOwn(next, key, key.startsWith('~') && isPlain(value) && isPlain(next[key]) ? putDeep(next[key], value) : value)
  return next
}

function putDeep(current: JsonObject, fields: JsonObject): JsonObject {
  const next = { ...current }
  for (const [key, value] of Object.entries(fields))
    setOwn(next, key, isPlain(value) && isPlain(next[key]) ? putDeep(next[key], value) : value)
  return next
}

/** A row that the other direction changed since it was read keeps that, but for the fields that this batch changed itself. */
function rebased(row: DeliveryWrite, now: Row | undefined, before: string | null, left: boolean): DeliveryWrite {
  if (row.part !== '' || !now || now.delivered === before) return row
  if (row.delivered === null) {
    // A record that was put off when nothing was agreed yet takes nothing back that is agreed by now.
    return before === null && now.delivered !== null && !left
      ? { ...row, delivered: JsonText.from(now.delivered) }
      : row
  }
  return { ...row, delivered: JsonText.of(rebase(parse(now.delivered), parse(before), row.delivered.value)) }
}

/** Marks hold objects by field: what the other direction has noted of a field since is not dropped with what was noted before. */
const MARK_DEPTH = 2

/** `depth`: so many levels of objects are taken apart; marks only at the top. */
export function rebase(now: JsonObject, before: JsonObject, ours: JsonObject, depth = 0): JsonObject {
  const next = { ...now }
  for (const key of new Set([...Object.keys(before), ...Object.keys(ours)])) {
    const [was, is, stands] = [own(before, key), own(ours, key), own(next, key)]
    if (sameJson(was, is)) continue
    const inside = key.startsWith('~') ? MARK_DEPTH : depth - 1
    if (inside >= 0 && isPlain(stands) && (is === undefined || isPlain(is)))
      setOwn(next, key, rebase(stands, isPlain(was) ? was : {}, is ?? {}, inside))
    else if (is !== undefined) setOwn(next, key, is)
    else if (depth === 0 || sameJson(stands, was)) delete next[key]
  }
  return next
}

const own = (record: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
const parse = (text: string | null): JsonObject => (text ? JsonText.from(text).value : {})
const isPlain = (value: Json | undefined): value is JsonObject => isObject(value) && !isRawNumber(value)
