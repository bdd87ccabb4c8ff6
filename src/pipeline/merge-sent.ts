/**
 * A create of unknown outcome whose record was found. What was sent is what both sides agreed on last, and whatever differs from it is an
 * edit: without that, the record that the hub made would meet its own source like a stranger, and be taken for the newer one.
 */
import { type Json, type JsonObject, JsonText, setOwn } from '../core/index.ts'
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
