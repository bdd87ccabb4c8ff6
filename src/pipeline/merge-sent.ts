/**
 * A create of unknown outcome whose record was found. What was sent is what both sides agreed on last, and whatever differs from it is an
 * edit: without that, the record that the hub made would meet its own source like a stranger, and be taken for the newer one.
 */
import { type Json, type JsonObject, JsonText, sameJson, setOwn } from '../core/index.ts'
import { covers } from './diff.ts'
import { isEmpty, isNear } from './near.ts'
import type { Work } from './work.ts'

/** What was sent for the record that was found now; null where nothing is in doubt, or where it is somebody else's record. */
export function sentBefore({ doubt, known, newlyMatched }: Work): JsonObject | null {
  if (!newlyMatched || known === null || doubt?.operation !== 'create' || doubt.sent === null) return null
  const sent = JsonText.from(doubt.sent).value
  const keys = new Set(doubt.matchKey.map(({ field }) => field.split('.')[0]!))
  const told = Object.keys(sent).filter((field) => !keys.has(field) && !isEmpty(sent[field]))
  // Somebody may have made the same person there in the moments since the look-up before the create, which was refused then.
  const isOurs = !told.length || told.some((field) => stands(own(known, field), sent[field]!))
  return isOurs ? sent : null
}

/**
 * What an update sends, for the case that nobody comes to say what became of it: `to`, and what was agreed before as `from`, for that may be
 * known from an earlier write of unknown outcome only. A value that is made of both sides is none of ours, and told by nothing.
 */
export function sentOf({ operation, send, merge }: Work): { sent?: string } {
  if (operation === 'create') return { sent: send.toString() }
  if (operation !== 'update' || !merge) return {}
  const fields = Object.keys(send.value).filter(
    (field) => merge.touched.includes(field) && !merge.made.includes(field) && !merge.partly.includes(field),
  )
  const pick = (values: JsonObject): JsonObject =>
    Object.fromEntries(fields.flatMap((field) => (Object.hasOwn(values, field) ? [[field, values[field]!]] : [])))
  return fields.length ? { sent: JsonText.of({ to: pick(send.value), from: pick(merge.before) }).toString() } : {}
}

/**
 * Updates of unknown outcome: where the target shows what was sent, that is what both sides agreed on last, and whatever is wanted
 * otherwise by now is an edit of ours. Without that our own former value would meet us as an edit of the other side.
 */
export function seeUpdates({ unfinished, merge }: Work, shown: JsonObject | null | undefined): void {
  for (const { operation, sent } of unfinished) {
    if (operation !== 'update' || sent === null || !merge || !shown) continue
    const { to, from } = JsonText.from(sent).value as { to: JsonObject; from: JsonObject }
    for (const field of Object.keys(to)) {
      const [mine, there] = [own(merge.mine, field), own(shown, field)]
      const agreed = [own(to, field), own(from, field)].find((value) => value !== undefined && stands(there, value))
      // What is wanted still is agreed by being there.
      if (agreed === undefined || mine === undefined || sameJson(mine, agreed)) continue
      setOwn(merge.before, field, agreed)
      if (!covers(there!, agreed)) merge.mark.stored = { ...merge.mark.stored, [field]: [there!] }
    }
  }
}

const own = (record: JsonObject, field: string): Json | undefined =>
  Object.hasOwn(record, field) ? record[field] : undefined

/** A value that may be what the target made of the one that was sent. */
function stands(shown: Json | undefined, sent: Json): boolean {
  return shown !== undefined && (covers(shown, sent) || isNear(shown, sent))
}

/** How the target shows fields that it stored otherwise than they were sent. */
export function storedOtherwise(sent: JsonObject, shown: JsonObject): JsonObject {
  const stored: JsonObject = {}
  for (const [field, value] of Object.entries(sent)) {
    const now = own(shown, field)
    if (now !== undefined && !covers(now, value) && isNear(now, value)) setOwn(stored, field, now)
  }
  return stored
}
