/** Answers that tell of an error under a status of success, where the manifest does not say how its system does that. */
import { CausewayError, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Answer } from './answer.ts'
import { findMessage, tidyMessage } from './remote-message.ts'

/** Members, in small letters and without `_` and `-`, that hold an error where they hold anything. */
const HOLD_ERRORS: ReadonlySet<string> = new Set(['error', 'errors', 'errorcode', 'errcode', 'errormessage'])
const SAY_FALSE: ReadonlySet<string> = new Set(['success', 'ok', 'issuccess', 'successful', 'succeeded'])
const SAY_TRUE: ReadonlySet<string> = new Set(['iserror', 'haserror', 'haserrors'])
/** The same in words that fields of records have too, so that they tell nothing in an answer that may be a record. */
const HOLD_ERRORS_OF_LISTS: ReadonlySet<string> = new Set(['fault', 'exception'])
const SAY_FAILED: ReadonlySet<string> = new Set(['status', 'result', 'state'])
const FAILED: ReadonlySet<unknown> = new Set(['error', 'failed', 'failure', 'fail'])

/**
 * What the body of an answer says of an error, or undefined. For answers that lack what was asked for, records or an id: there an error
 * passes for "none" or "done". One that has it may tell of errors beside it. `mayBeRecord`: the answer to a write may be the record.
 */
export function errorInside({ failure, response }: Answer, mayBeRecord: boolean): string | undefined {
  if (failure || !isObject(response)) return undefined
  const members = Object.entries(response as JsonObject).map(([name, value]) => ({
    name: name.toLowerCase().replaceAll(/[_-]/g, ''),
    value,
  }))
  const holds = ({ name, value }: (typeof members)[number]): boolean =>
    (HOLD_ERRORS.has(name) || (!mayBeRecord && HOLD_ERRORS_OF_LISTS.has(name))) && isSaid(value)
  const fails = ({ name, value }: (typeof members)[number]): boolean =>
    (value === false && SAY_FALSE.has(name)) ||
    (value === true && SAY_TRUE.has(name)) ||
    (!mayBeRecord && SAY_FAILED.has(name) && typeof value === 'string' && FAILED.has(value.toLowerCase()))
  const said = members.find(holds)?.value
  if (said === undefined && !members.some(fails)) return undefined
  return tidyMessage(findMessage(said ?? response) ?? findMessage(response) ?? 'an error without a text')
}

/**
 * An answer to a question that has no records because of an error, or because its body went lost on the way (who has none to give says 204, or an
 * empty list): nothing is known of the records. A 207 tells of each thing that was asked for by itself, and of none it has is no error of the answer
 * (HubSpot's batch read: no results, and an error for each id that it does not know).
 */
export function refuseErrorInside(answer: Answer, stream: string): void {
  if (answer.status === 207) return
  const lost = answer.failure === null && answer.status === 200 && answer.response === undefined
  const said = lost ? 'there is no body' : errorInside(answer, false)
  if (said === undefined) return
  throw new CausewayError('CSW-3007', {
    what: `A question about ${stream} was answered with HTTP ${answer.status} and without records: ${said}`,
  })
}

/** Members that stand in answers for "no error" too, codes of success among them. */
const isSaid = (value: Json): boolean =>
  value !== null && value !== false && !NOTHING.has(JSON.stringify(value).toLowerCase()) && !isZero(value)
const NOTHING: ReadonlySet<string> = new Set(['""', '[]', '{}', '"false"', '"ok"', '"success"', '"none"'])
const isZero = (value: Json): boolean => value === 0 || (typeof value === 'string' && /^0+$/.test(value))
