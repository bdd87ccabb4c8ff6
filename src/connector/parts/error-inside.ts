/** Answers that tell of an error under a status of success, where the manifest does not say how its system does that. */
import { CausewayError, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Answer } from './answer.ts'
import { findMessage, tidyMessage } from './remote-message.ts'

/**
 * What the body of an answer says of an error, or undefined. For answers that lack what was asked for, records or an id: there an error
 * passes for "none" or "done". One that has it may tell of errors beside it.
 */
export function errorInside({ failure, response }: Answer): string | undefined {
  if (failure || !isObject(response)) return undefined
  const { error, errors, success, ok } = response as JsonObject
  const said = [error, errors].find(isSaid)
  if (said === undefined && success !== false && ok !== false) return undefined
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
  const said = lost ? 'there is no body' : errorInside(answer)
  if (said === undefined) return
  throw new CausewayError('CSW-3007', {
    what: `A question about ${stream} was answered with HTTP ${answer.status} and without records: ${said}`,
  })
}

/** Members that stand in answers for "no error" too. */
const isSaid = (value: Json | undefined): boolean =>
  value !== undefined && value !== null && value !== false && !NOTHING.has(JSON.stringify(value))
const NOTHING: ReadonlySet<string> = new Set(['""', '0', '"0"', '[]', '{}', '"false"'])
