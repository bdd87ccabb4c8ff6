/** Requests of a manifest against the operations of a description: path, method, parameters, body. */
import {
  ANY,
  type ApiDocument,
  isAnnotation,
  isReadOnly,
  itemOf,
  member,
  namesOf,
  ODATA_BATCH,
  type Operation,
  SOAP_METHOD,
  scalar,
  type Type,
  tellsOf,
  typeOfSchema,
  union,
} from '../apispec/index.ts'
import { isObject, type Json, type JsonObject, type YamlPath } from '../core/index.ts'
import { pathsOf } from './spec-address.ts'
import type { SpecExpressions } from './spec-expressions.ts'
import { asksGraphQL, graphqlCall } from './spec-graphql.ts'
import { HOLE, operationFor, takesParameter } from './spec-match.ts'
import { missing } from './spec-partial.ts'
import type { Names, SpecRows } from './spec-rows.ts'
import { shownAt, unnamed, untold } from './spec-unnamed.ts'

export class SpecRequests {
  private readonly rows: SpecRows
  private readonly expressions: SpecExpressions
  private readonly document: ApiDocument
  private readonly prefixes: string[]

  constructor(rows: SpecRows, expressions: SpecExpressions, document: ApiDocument, prefixes: string[]) {
    this.rows = rows
    this.expressions = expressions
    this.document = document
    this.prefixes = prefixes
  }

  /** Holds a request against the operations it may be (an address may depend on a condition); none where nothing is known. */
  request(spec: JsonObject, at: YamlPath, byDefault: string, names: Names): Operation[] {
    if (this.document.graphql && asksGraphQL(spec)) return this.asked(spec, at, names)
    const { method, paths, content } = callIn(spec, byDefault)
    if (paths.length === 0) this.rows.note(at, 'request', method, 'unknown', 'the address is made of an expression')
    const operations = paths.flatMap((path) => this.operation(method, path, at) ?? [])
    if (operations.length === 0) return []
    for (const [name, value] of Object.entries(isObject(spec.query) ? (spec.query as JsonObject) : {})) {
      this.parameter(name, operations, [...at, 'query', name])
      this.expressions.template(value, [...at, 'query', name], names)
    }
    if (spec[content] !== undefined) this.body(spec[content]!, operations[0]!, [...at, content], names)
    return operations
  }

  private asked(spec: JsonObject, at: YamlPath, names: Names): Operation[] {
    const operation = graphqlCall(spec, this.document, at, this.rows)
    if (!operation) return []
    const from = spec.each === undefined ? 'variables' : 'item'
    if (spec[from] !== undefined) this.body(spec[from], operation, [...at, from], names)
    return [operation]
  }

  private operation(method: string, path: string, at: YamlPath): Operation | null {
    const shown = `${method} ${path.replaceAll(HOLE, '…')}`
    if (path.endsWith('/$batch')) {
      this.rows.note(
        at,
        'request',
        shown,
        'unknown',
        'a batch is part of OData, and in no description; its envelope is known',
      )
      return ODATA_BATCH
    }
    const operation = operationFor(this.document, method, this.prefixes, path)
    if (operation) this.rows.note(at, 'request', shown, 'checked', `${operation.method} ${operation.path}`)
    else
      this.rows.note(at, 'request', shown, missing.request(this.document, method), 'the description has no such call')
    return operation
  }

  private parameter(name: string, operations: Operation[], at: YamlPath): void {
    const known = operations.some((operation) => takesParameter(operation, name, operation.lookup))
    const verdict = known ? 'checked' : missing.parameter(this.document, name)
    const detail = known
      ? ''
      : `${operations.map(({ method, path }) => `${method} ${path}`).join(' and ')} has no such parameter`
    this.rows.note(at, 'parameter', name, verdict, detail)
  }

  private body(body: Json, operation: Operation, at: YamlPath, names: Names): void {
    const sent = this.expressions.template(body, at, names)
    if (!operation.body) this.untold(sent, operation, at, '')
    else this.sent(sent, typeOfSchema(operation.body.schema, operation.lookup), operation, at, '', 0)
  }

  /** What is sent with a call of which the description names no body: down to where it tells what the record is. */
  private untold(sent: Type, operation: Operation, at: YamlPath, path: string): void {
    const told = shownAt(this.document, operation, path)
    const deeper = path === '' || told.length === 0 || told.some((type) => namesOf(itemOf(type)).length > 0)
    const names = deeper && path.split('.').length <= 6 ? namesOf(sent) : []
    for (const name of names) this.untold(itemOf(member(sent, name)), operation, at, path ? `${path}.${name}` : name)
    if (names.length) return
    const { verdict, detail } = untold(this.document, operation, path || 'body')
    this.rows.note(at, 'sent', path || 'body', verdict, detail)
  }

  /** Every member that is sent must be one the operation takes. */
  private sent(sent: Type, taken: Type, operation: Operation, at: YamlPath, path: string, depth: number): void {
    if (sent.kind === 'none' || depth > 6) return
    if (sent.kind === 'any' || taken.kind === 'any') {
      if (path)
        this.rows.note(
          at,
          'sent',
          path,
          'unknown',
          taken.kind === 'any' ? 'the description does not say what is in it' : 'what is sent depends on the data',
        )
      return
    }
    const names = namesOf(sent)
    if (names.length === 0) return
    for (const written of names) {
      // Prefixes are the manifest's own.
      const name = operation.method === SOAP_METHOD ? withoutPrefix(written) : written
      const inner = path ? `${path}.${name}` : name
      const [mine, theirs] = [itemOf(member(sent, written)), itemOf(member(itemOf(taken), name))]
      const named = tellsOf(itemOf(taken), name)
      if (!named && isAnnotation(name)) this.rows.note(at, 'sent', inner, 'checked', 'an annotation')
      else if (!named && (theirs.kind === 'none' || theirs.kind === 'any')) {
        const { verdict, detail } = unnamed(this.document, operation, inner, itemOf(taken))
        this.rows.note(at, 'sent', inner, verdict, detail)
      } else if (isReadOnly(theirs)) this.readOnly(operation, at, inner)
      else if (namesOf(mine).length && theirs.kind !== 'scalar')
        this.sent(mine, theirs, operation, at, inner, depth + 1)
      else this.rows.note(at, 'sent', inner, 'checked', '')
    }
  }

  /** Schemas of requests and answers may contradict each other. */
  private readOnly(operation: Operation, at: YamlPath, path: string): void {
    const shown = shownAt(this.document, operation, path)
    if (shown.length && !shown.some(isReadOnly))
      this.rows.note(at, 'sent', path, 'unknown', 'the call marks it as read-only, and the answer does not')
    else this.rows.note(at, 'sent', path, 'wrong', 'the member is read-only')
  }

  answerOf(operations: Operation[]): Names {
    const answers = operations.map(({ answer, lookup }) => (answer ? typeOfSchema(answer, lookup) : ANY))
    const response = answers.length ? union(answers) : ANY
    return { response, status: scalar('integer'), headers: ANY, settings: ANY }
  }
}

/** What a request is told by in a description: method and paths, or the operation of a SOAP service; and what carries its content. */
function callIn(spec: JsonObject, byDefault: string): { method: string; paths: string[]; content: 'body' | 'content' } {
  if (typeof spec.operation !== 'string')
    return { method: String(spec.method ?? byDefault), paths: pathsOf(spec), content: 'body' }
  const path = spec.operation.includes('${') ? [] : [`/${withoutPrefix(spec.operation)}`]
  return { method: SOAP_METHOD, paths: path, content: 'content' }
}

const withoutPrefix = (name: string): string => name.replace(/^[\w.-]+:/, '')
