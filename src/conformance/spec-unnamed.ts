/**
 * What a description says of a member that is sent, and that the schema of the request does not name. Vendors often describe what
 * a call takes more briefly than what the record is, so the answers are asked before the member is called wrong.
 */
import {
  ANY,
  type ApiDocument,
  isOpen,
  isReadOnly,
  itemOf,
  member,
  namesOf,
  type Operation,
  refusesOthers,
  type Type,
  tellsOf,
  typeOfSchema,
} from '../apispec/index.ts'
import type { SpecVerdict } from './spec-rows.ts'

type Judged = { verdict: SpecVerdict; detail: string }

const NO_SUCH: Judged = { verdict: 'wrong', detail: 'the call takes no such member' }
const OPEN: Judged = { verdict: 'unknown', detail: 'the call takes more members than the description names' }
const READ_ONLY: Judged = { verdict: 'wrong', detail: 'the member is read-only' }

/** Judges the member at `path` of the body; `taken` is what the schema of the request says of the object it stands in. */
export function unnamed(document: ApiDocument, operation: Operation, path: string, taken: Type): Judged {
  if (refusesOthers(taken)) return NO_SUCH
  const read = readsOf(document, operation)
  const found = shownAt(document, operation, path)
  if (found.length) return byAnswer(found, document)
  if (isOpen(taken)) return OPEN
  const untold = read.some((one) => answerOf(one).kind === 'any' || choosesFields(one))
  return untold ? { verdict: 'unknown', detail: 'the description does not say what such a record holds' } : NO_SUCH
}

/**
 * What stands at a path of the records that the call answers with, or those that read what it writes. A list one step above counts
 * with the name it gives the records: many are written at once beside it (`/tickets/create_many` takes the `tickets` of `/tickets`).
 */
export function shownAt(document: ApiDocument, operation: Operation, path: string): Type[] {
  const above = { ...operation, path: operation.path.replace(/\/[^/]*$/, '') }
  return [
    ...[operation, ...readsOf(document, operation)].flatMap((one) => recordsOf(answerOf(one))),
    ...readsOf(document, above).map(answerOf),
  ].flatMap((record) => memberAt(record, path.split('.')) ?? [])
}

/** What is named at a path; null where the description does not tell of it. */
function memberAt(record: Type, path: readonly string[]): Type | null {
  let type = record
  for (const step of path) {
    const of = itemOf(type)
    type = member(of, step)
    if (type.kind === 'none' || (type.kind === 'any' && !tellsOf(of, step))) return null
  }
  return type
}

function byAnswer(found: readonly Type[], { marksReadOnly }: ApiDocument): Judged {
  if (found.some(isReadOnly)) return READ_ONLY
  return marksReadOnly
    ? { verdict: 'checked', detail: 'the answer names it, and does not mark it as read-only' }
    : { verdict: 'unknown', detail: 'the answer names it, and the description does not mark what is read-only' }
}

const UNTOLD: Judged = { verdict: 'unknown', detail: 'the description does not say what the call takes' }

/** Judges the member at `path` of a body of which the description tells nothing: by what the record is. */
export function untold(document: ApiDocument, operation: Operation, path: string): Judged {
  const found = shownAt(document, operation, path)
  // The id tells which record of a list is meant, and only there it is sent.
  const identifies = /\.id$/.test(path) && found.some(isReadOnly)
  if (found.length && !identifies) return byAnswer(found, document)
  return identifies || leavesBodiesOut(document)
    ? UNTOLD
    : { verdict: 'wrong', detail: `${operation.method} ${operation.path} takes no body` }
}

/**
 * True for a description that was written without bodies, in part at least: there is a call that answers with a record as one that
 * reads it does, and takes nothing.
 */
export function leavesBodiesOut(document: ApiDocument): boolean {
  const known = bodiesLeftOut.get(document)
  if (known !== undefined) return known
  const { operations } = document
  const read = new Set(operations.filter(({ method }) => method === 'GET').map(referenceOf))
  const found = operations.some(
    (one) => WRITES.has(one.method) && !one.body && one.answer && read.has(referenceOf(one)),
  )
  bodiesLeftOut.set(document, found)
  return found
}
const bodiesLeftOut = new WeakMap<ApiDocument, boolean>()
export const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

const referenceOf = ({ answer }: Operation): unknown => answer?.$ref ?? answer?.allOf?.[0]?.$ref ?? {}

/** Where the reader has to name the fields, the schema shows an example of what may come. */
const choosesFields = ({ parameters }: Operation): boolean =>
  parameters.some(
    ({ name, in: place, required }) => required && place === 'query' && /^(fields|columns|select)$/i.test(name),
  )

const answerOf = ({ answer, lookup }: Operation): Type => (answer ? typeOfSchema(answer, lookup) : ANY)

/** The calls that read what this one writes: at its own path, and for a collection at that of one of its records. */
function readsOf({ operations }: ApiDocument, { path }: Operation): Operation[] {
  const own = path.replace(/\/+$/, '')
  return operations.filter(
    (one) =>
      one.method === 'GET' &&
      (one.path === own || /^\/\{[^}/]+\}$/.test(one.path.slice(own.length))) &&
      one.path.startsWith(own),
  )
}

/** An answer may be the record, a list of records, or hold either in one of its members. */
const recordsOf = (answer: Type): Type[] => [
  answer,
  ...namesOf(itemOf(answer)).map((name) => member(itemOf(answer), name)),
]
