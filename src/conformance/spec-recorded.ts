/** Requests that were really sent, during the conformance run, held against the description. */
import {
  type ApiDocument,
  flatLists,
  flatLookup,
  isAnnotation,
  itemOf,
  member,
  type Operation,
  type Type,
  tellsOf,
  typeOfSchema,
} from '../apispec/index.ts'
import { isObject, type Json, type JsonObject } from '../core/index.ts'
import type { Served } from '../simulator/index.ts'
import { sentDocument } from './spec-graphql.ts'
import { bareName, operationFor, takesParameter } from './spec-match.ts'
import { missing } from './spec-partial.ts'
import type { SpecRow } from './spec-rows.ts'
import { leavesBodiesOut, unnamed, untold, WRITES } from './spec-unnamed.ts'

/**
 * One row per kind of request and per member sent; values must be of the type described. `goingOn`: calls that go on at addresses
 * which the service gives out, and which need not repeat what the first of them said.
 */
export function recordedRows(
  served: readonly Served[],
  document: ApiDocument,
  prefixes: string[],
  goingOn: ReadonlySet<Operation>,
): SpecRow[] {
  const rows = new Map<string, SpecRow>()
  const note = (route: string, what: SpecRow['what'], name: string, verdict: SpecRow['verdict'], detail: string) => {
    const key = keyOf(route, what, name)
    if (verdict === 'wrong' || !rows.has(key)) rows.set(key, { place: `sent: ${route}`, what, name, verdict, detail })
  }
  for (const one of served) {
    const { method, path, query, body, route } = one
    if (route === null) continue
    if (document.graphql && typeof (body as JsonObject | null)?.query === 'string') {
      const sent = sentDocument(one, document, note)
      if (sent)
        values(
          sent.variables,
          typeOfSchema(sent.operation.body!.schema, sent.operation.lookup),
          '',
          (name, verdict, detail) => note(sent.operation.path, 'sent', name, verdict, detail),
          false,
          (name, taken) => unnamed(document, sent.operation, name, taken),
        )
      continue
    }
    const operation = operationFor(document, method, prefixes, path)
    if (!operation) {
      if (document.tokenPaths.some((one) => one === path || (one !== '' && path.endsWith(one))))
        note(route, 'request', route, 'checked', 'gets a token')
      // Calls of the manifest are judged where they stand; the others are not those of a stream.
      else note(route, 'request', route, 'unknown', 'the description has no such call')
      continue
    }
    note(route, 'request', route, 'checked', operation.path)
    for (const name of Object.keys(query)) {
      const known = takesParameter(operation, name, operation.lookup)
      note(
        route,
        'parameter',
        name,
        known ? 'checked' : missing.parameter(document, name),
        known ? '' : 'no such parameter',
      )
    }
    const required = operation.parameters.filter(
      ({ name, in: where, required }) =>
        where === 'query' && required && !Object.keys(query).some((sent) => bareName(sent) === bareName(name)),
    )
    for (const { name } of required)
      if (!goingOn.has(operation) || !rows.has(keyOf(route, 'parameter', name)))
        note(route, 'parameter', name, 'wrong', 'the parameter is required, and not sent')
    if (operation.body && isObject(body as never))
      values(
        body as Json,
        document.ofSets
          ? typeOfSchema(flatLists(operation.body.schema), flatLookup(operation.lookup))
          : typeOfSchema(operation.body.schema, operation.lookup),
        '',
        (name, verdict, detail) => note(route, 'sent', name, verdict, detail),
        operation.body.form,
        (name, taken) => unnamed(document, operation, name, taken),
      )
    if (!operation.body && WRITES.has(method) && leavesBodiesOut(document))
      for (const name of namesIn(body as Json, '')) {
        const { verdict, detail } = untold(document, operation, name)
        note(route, 'sent', name, verdict, detail)
      }
  }
  return [...rows.values()]
}

/** Names of the plain values in what was sent. */
const namesIn = (value: Json | undefined, path: string): string[] =>
  Array.isArray(value)
    ? value.flatMap((item) => namesIn(item, path))
    : isObject(value)
      ? Object.entries(value).flatMap(([name, inner]) => namesIn(inner, path ? `${path}.${name}` : name))
      : path
        ? [path]
        : []

const keyOf = (route: string, what: SpecRow['what'], name: string): string => `${route} ${what} ${name}`

type Note = (name: string, verdict: SpecRow['verdict'], detail: string) => void

type Unnamed = (path: string, taken: Type) => { verdict: SpecRow['verdict']; detail: string }

function values(value: Json, type: Type, path: string, note: Note, form: boolean, absent: Unnamed): void {
  if (Array.isArray(value)) {
    for (const item of value) values(item, itemOf(type), path, note, form, absent)
    return
  }
  // A file in a form is one value, whatever is recorded of it.
  if (isObject(value) && !(form && isScalar(type))) {
    for (const [name, item] of Object.entries(value)) {
      const inner = path ? `${path}.${name}` : name
      const found = member(itemOf(type), name)
      const named = tellsOf(itemOf(type), name)
      if (!named && isAnnotation(name)) note(inner, 'checked', 'an annotation')
      else if (!named && (found.kind === 'none' || found.kind === 'any')) {
        const { verdict, detail } = absent(inner, itemOf(type))
        note(inner, verdict, detail)
      } else if (found.kind === 'any') note(inner, 'checked', '')
      else values(item as Json, found, inner, note, form, absent)
    }
    return
  }
  const fault = form ? null : faultOf(value, type)
  if (path) note(path, fault ? 'wrong' : 'checked', fault ?? '')
}

const isScalar = (type: Type): boolean =>
  type.kind === 'scalar' || (type.kind === 'union' && type.of.length > 0 && type.of.every(isScalar))

/** Why a plain value is not of the type; descriptions that say nothing of null are not held to it. */
function faultOf(value: Json, type: Type): string | null {
  if (value === null || type.kind === 'any') return null
  if (type.kind === 'union')
    return type.of.some((one) => faultOf(value, one) === null) ? null : 'none of the described types'
  if (type.kind !== 'scalar')
    return `a ${typeof value} is sent, and ${type.kind === 'list' ? 'a list' : 'an object'} described`
  const found =
    typeof value === 'number' ? (Number.isInteger(value) ? ['integer', 'number'] : ['number']) : [typeof value]
  if (!found.some((one) => type.types.includes(one)) && typeof value !== typeof type.schema?.example)
    return `${found[0] === 'integer' ? 'an' : 'a'} ${found[0]} is sent, and ${type.types.join(' or ')} described`
  const { enum: options } = type.schema ?? {}
  return options && !options.includes(value) ? `${JSON.stringify(value)} is none of the options` : null
}
