/** GraphQL documents of a manifest, and those that were sent, against a schema. */
import type { ApiDocument, Operation, RawSchema } from '../apispec/index.ts'
import { isObject, type Json, type JsonObject, type YamlPath } from '../core/index.ts'
import type { Served } from '../simulator/index.ts'
import type { SpecRow, SpecRows } from './spec-rows.ts'

/** True where a part of a manifest asks with a GraphQL document. */
export const asksGraphQL = (spec: JsonObject): boolean =>
  typeof spec.query === 'string' || typeof spec.each === 'string'

/** The call that a document of the manifest is, with what gives its variables; null where the schema refuses it. */
export function graphqlCall(spec: JsonObject, document: ApiDocument, at: YamlPath, rows: SpecRows): Operation | null {
  const many = typeof spec.each === 'string'
  const field = [...at, many ? 'each' : 'query']
  const { faults, operation } = document.graphql!(many ? oneOfMany(spec) : String(spec.query))
  const name = operation?.path ?? 'document'
  for (const fault of faults) rows.note(field, 'request', name, 'wrong', fault)
  if (faults.length || !operation) return null
  rows.note(field, 'request', name, 'checked', '')
  return many ? { ...operation, answer: perItem(operation.answer) } : operation
}

const oneOfMany = ({ each, types }: JsonObject): string => `mutation ${types ? `(${types})` : ''} { ${each} }`

/** What the schema does not tell, since it is the same for all: an error has a message, and the path of what failed. */
const ERRORS: RawSchema = {
  type: 'array',
  items: {
    type: 'object',
    properties: { message: { type: 'string' }, path: { type: 'array', items: { type: 'string' } }, extensions: {} },
    additionalProperties: false,
  },
}

/** Of a document that holds a mutation once per item, the results are told apart by item. */
function perItem(answer: RawSchema | undefined): RawSchema {
  const [data = {}] = Object.values(answer?.properties ?? {})
  const properties = { index: { type: 'integer' }, data, errors: ERRORS }
  return { type: 'array', items: { type: 'object', properties, additionalProperties: false } }
}

/** A document as it was sent: what is wrong with it or its variables, and the call it is. */
export function sentDocument(
  { body }: Served,
  document: ApiDocument,
  note: (place: string, what: SpecRow['what'], name: string, verdict: SpecRow['verdict'], detail: string) => void,
): { operation: Operation; variables: Json } | null {
  const { query, variables } = body as JsonObject
  const { faults, refusals, operation } = document.graphql!(String(query))
  const name = operation?.path ?? 'document'
  const given = isObject(variables) ? (variables as JsonObject) : {}
  const refused = faults.length ? faults : (refusals?.(given) ?? [])
  for (const fault of refused) note(name, 'request', name, 'wrong', fault)
  if (faults.length || !operation) return null
  note(name, 'request', name, 'checked', '')
  return { operation, variables: given }
}
