/** Whether the values of a record can go into a request as the JSON text that the mapping gave. */
import type { WriteOperationSpec } from './write-fields.ts'

const known = new WeakMap<object, boolean>()

/** True when the operation sends values as a whole and as JSON, and none of its expressions looks into them. */
export function passesValues<R>(operation: WriteOperationSpec<R>): boolean {
  const before = known.get(operation)
  if (before !== undefined) return before
  const { batch, bulk, partial, nulls } = operation
  const looksInto = new Set([operation, batch, batch?.correlate].flatMap(lookedInto))
  const passes =
    // What goes into a file is looked into.
    !bulk &&
    !batch?.job?.upload &&
    partial !== false &&
    (nulls === undefined || nulls === 'send') &&
    isJson(operation) &&
    (!batch || isJson(batch)) &&
    !looksInto.has('values') &&
    !looksInto.has('items') &&
    !usesRecord(operation) &&
    !(batch && usesRecord(batch))
  known.set(operation, passes)
  return passes
}

type Part = { [field: string]: { looksInto?: ReadonlySet<string>; names?: ReadonlySet<string> } | undefined }

const lookedInto = (part: object | undefined): string[] =>
  Object.values((part ?? {}) as Part).flatMap((field) => [...(field?.looksInto ?? [])])

/** `record` is made of the values and what is known besides. */
const usesRecord = (part: object): boolean =>
  Object.values(part as Part).some((field) => field?.names?.has('record') || field?.looksInto?.has('record'))

const isJson = (request: object): boolean => (request as { body_as?: string }).body_as === 'json'
