/** Taking back what a run created: deleted in the target, where nothing says that somebody has worked on it since. */
import { isObject, type Json, type JsonObject, parseExact, sameJson } from '../core/index.ts'
import { timeOf } from './merge-facts.ts'
import { type LogBody, linkKey } from './ports.ts'
import type { Lane, Work } from './work.ts'

export type Creation = { work: Work; sent: JsonObject }
/** Why a record stays, and the fields that say so. */
type Stays = { reason: string; fields: string[] }

/** Clocks of other systems are not ours, and some note a write of ours only after they have answered it. */
const AFTERWARDS_MS = 60_000

/**
 * Makes deletions of records that a run created. Gives why the others stay: a record that somebody edited, and be it in a field of no
 * mapping, is theirs. `finishedAt`: when the run ended. `holds`: whether the target still shows a value that the run wrote.
 */
export async function takeBackCreations(
  lane: Lane,
  creations: readonly Creation[],
  { finishedAt, holds }: { finishedAt: Date | null; holds(work: Work, field: string, value: Json): boolean },
): Promise<Map<Work, Stays>> {
  const stays = new Map<Work, Stays>()
  if (!creations.length) return stays
  const { ledger } = lane.ports
  const [rows, twins] = await Promise.all([
    ledger.readBodies(
      lane.row.toStream,
      creations.map(({ work }) => work.targetId!),
    ),
    ledger.findTwins(
      lane.row.fromStream,
      creations.map(({ work }) => ({ recordId: work.record.id, part: work.part })),
    ),
  ])
  const logged = new Map(rows.map((row) => [row.id, row]))
  const canDelete = lane.target.streams.get(lane.sync.to.stream)?.abilities.delete === true
  for (const { work, sent } of creations) {
    const edited = Object.keys(sent).filter((field) => !holds(work, field, sent[field]!))
    const row = logged.get(work.targetId!)
    const changed =
      edited.length > 0 ||
      isOtherThanRead(work, row) ||
      (finishedAt !== null && isLater(work.seenVersion, finishedAt)) ||
      isOfOthers(work)
    const reason = !canDelete
      ? 'the target takes no deletions'
      : twins.has(linkKey(work.record.id, work.part))
        ? 'another record of the source stands for it too'
        : changed
          ? 'it was changed since'
          : undefined
    if (reason !== undefined) stays.set(work, { reason, fields: edited })
    else Object.assign(work, { operation: 'delete', takenBack: true })
  }
  return stays
}

/** Changed since it was read last. Reads of many may show less than a read of one. */
function isOtherThanRead({ known, seenVersion }: Work, row: LogBody | undefined): boolean {
  if (row?.version && seenVersion && row.version !== seenVersion) return true
  const read: unknown = row?.body ? parseExact(row.body) : null
  if (!isObject(read) || !known) return false
  return Object.entries(read as JsonObject).some(
    ([field, value]) => Object.hasOwn(known, field) && !sameJson(known[field], value),
  )
}

/** Versions that are times tell outright. */
function isLater(version: string | null | undefined, finishedAt: Date): boolean {
  const at = timeOf(version)
  return at !== null && at > finishedAt.getTime() + AFTERWARDS_MS
}

/** Of a two-way sync the version that our last write made is known. */
const isOfOthers = ({ merge, seenVersion }: Work): boolean =>
  merge?.mark.ownThere !== undefined && typeof seenVersion === 'string' && merge.mark.ownThere.version !== seenVersion
