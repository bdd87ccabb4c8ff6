/** What the other system says about a failure, made fit for our messages and logs. */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'

const LONGEST = 300
/** Where systems usually put their message, best first. */
const USUAL = [
  'message',
  'error_description',
  'detail',
  'description',
  'title',
  'msg',
  'error',
  'errors',
  'fault',
  'reason',
]

/** Looks for a message in the places where most systems put it. */
export function findMessage(body: Json | undefined, depth = 0): string | undefined {
  if (typeof body === 'string') return body.trim() || undefined
  if (depth > 3) return undefined
  if (Array.isArray(body)) {
    for (const item of body) {
      const found = findMessage(item, depth + 1)
      if (found) return found
    }
    return undefined
  }
  if (!isObject(body)) return undefined
  const fields: JsonObject = body
  for (const name of USUAL) {
    const found = Object.hasOwn(fields, name) ? findMessage(fields[name], depth + 1) : undefined
    if (found) return found
  }
  return undefined
}

/** Cuts, puts on one line and masks addresses of people; secrets are the redactor's business. */
export function tidyMessage(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replace(/[^\s@<>"'()]+@[^\s@<>"'()]+\.\p{L}{2,}/gu, '***@***')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line
}
