/** Walks a manifest: each request it can make and each member it reads is held against the description. */
import {
  ANY,
  type ApiDocument,
  infer,
  isAnnotation,
  isOpen,
  isReadOnly,
  itemOf,
  listOf,
  member,
  NONE,
  namesOf,
  ODATA_BATCH,
  type Operation,
  objectOf,
  type RawSchema,
  SOAP_METHOD,
  scalar,
  type Type,
  tellsOf,
  typeOfSchema,
  union,
} from '../apispec/index.ts'
import { type ConnectorDescription, parseInserts } from '../connector/index.ts'
import { formatPlace, isObject, type Json, type JsonObject, type YamlFile, type YamlPath } from '../core/index.ts'
import { pathsOf, prefixesOf } from './spec-address.ts'
import { entityOf, entitySetRows } from './spec-entity-set.ts'
import { HOLE, operationFor, takesParameter } from './spec-match.ts'
import { doubtPlaces, missing } from './spec-partial.ts'
import { unnamed } from './spec-unnamed.ts'

export type SpecVerdict = 'checked' | 'unknown' | 'wrong'
export type SpecRow = {
  place: string
  what: 'request' | 'parameter' | 'sent' | 'read' | 'field'
  name: string
  verdict: SpecVerdict
  detail: string
}

type Names = Record<string, Type>

const STRING = scalar('string')
const READ: Names = {
  settings: ANY,
  since: STRING,
  cursor: ANY,
  page: objectOf({ size: scalar('integer'), number: scalar('integer'), offset: scalar('integer') }),
  parent: ANY,
  partition: ANY,
}
const WRITES = ['create', 'update', 'upsert', 'delete'] as const

/** Everything the manifest says, with the verdict of the description on it. */
export class SpecWalk {
  readonly rows: SpecRow[] = []
  private readonly yaml: YamlFile
  private readonly connector: ConnectorDescription
  private readonly document: ApiDocument
  readonly prefixes: string[]
  private readonly manifest: JsonObject

  constructor(yaml: YamlFile, connector: ConnectorDescription, document: ApiDocument) {
    this.yaml = yaml
    this.connector = connector
    this.document = document
    this.manifest = yaml.value as JsonObject
    this.prefixes = prefixesOf(this.manifest.base_url)
  }

  run(): SpecRow[] {
    const { auth } = this.manifest as Record<string, JsonObject>
    if (isObject(auth) && auth.kind === 'steps') this.login(auth, ['auth'])
    for (const [name, stream] of Object.entries((this.manifest.streams ?? {}) as Record<string, JsonObject>))
      this.described(() => this.stream(name, stream))
    return this.rows
  }

  /** Descriptions may cover a part of an API: of a stream that has no call in it, nothing can be said. */
  private described(walk: () => void): void {
    const from = this.rows.length
    walk()
    const mine = this.rows.slice(from)
    if (mine.some(({ what, verdict }) => what === 'request' && verdict === 'checked')) return
    for (const row of mine)
      Object.assign(row, { verdict: 'unknown', detail: 'the description has nothing of this stream' })
  }

  private stream(name: string, stream: JsonObject): void {
    const at = ['streams', name]
    const info = this.connector.streams.find((one) => one.name === name)
    const found: Type[] = []
    if (typeof stream.set === 'string') {
      this.rows.push(...entitySetRows(name, stream, this.yaml, this.document, info?.writeSchema))
      found.push(entityOf(stream, this.document) ?? ANY)
    }
    const { read, fetch, lookup, write, content } = stream as Record<string, JsonObject | undefined>
    if (read) found.push(this.read(read, [...at, 'read']))
    if (isObject(read?.deletions)) this.list(read.deletions as JsonObject, [...at, 'read', 'deletions'], READ, ['id'])
    if (fetch) found.push(this.list(fetch, [...at, 'fetch'], { settings: ANY, id: STRING, ids: listOf(STRING) }, []))
    for (const [field, spec] of Object.entries((lookup ?? {}) as Record<string, JsonObject>))
      if (typeof stream.set !== 'string') this.lookup(spec, [...at, 'lookup', field], found.at(-1) ?? ANY)
    // A record comes from a list or by its id; what it may hold is what either answer says. Where one of them is not described,
    // a field that the other does not name may still be there.
    const record = union(found)
    if (found.some(({ kind }) => kind !== 'any')) this.record(stream, record, at, info?.readSchema)
    for (const operation of WRITES)
      if (isObject(write?.[operation]))
        this.write(
          operation,
          write[operation] as JsonObject,
          [...at, 'write', operation],
          info?.writeSchema ?? info?.readSchema,
        )
    if (isObject(content?.download))
      this.request(content.download as JsonObject, [...at, 'content', 'download'], 'GET', {
        settings: ANY,
        locator: ANY,
      })
  }

  /** What is found is compared as it is shown; with `fetch_ids` as it is then read, by id. */
  private lookup(spec: JsonObject, at: YamlPath, fetched: Type): void {
    const names = { settings: ANY, value: STRING, values: listOf(STRING) }
    if (spec.fetch_ids === undefined) this.list(spec, at, names, ['field'])
    else {
      this.list(spec, at, names, ['fetch_ids'])
      this.expression(spec.field, [...at, 'field'], { record: fetched, settings: ANY })
    }
  }

  private read(read: JsonObject, at: YamlPath): Type {
    const record = this.list(read, at, READ, ['fetch_ids', 'each'])
    const names = { record, settings: ANY }
    if (isObject(read.changes)) {
      const changes = read.changes as JsonObject
      const entry = this.list(changes, [...at, 'changes'], READ, ['id', 'deleted'])
      this.expression((changes.incremental as JsonObject).value, [...at, 'changes', 'incremental', 'value'], {
        record: entry,
        settings: ANY,
      })
    }
    if (isObject(read.incremental))
      this.expression((read.incremental as JsonObject).value, [...at, 'incremental', 'value'], names)
    const { paging } = read as Record<string, JsonObject>
    if (isObject(paging)) this.expression(paging.key, [...at, 'paging', 'key'], names)
    return record
  }

  /** What the stream says of its records, and the fields of its schema. */
  private record(stream: JsonObject, record: Type, at: YamlPath, schema: JsonObject | undefined): void {
    const names = { record, settings: ANY }
    for (const field of ['key', 'deleted', 'aliases']) this.expression(stream[field], [...at, field], names)
    if (isObject(stream.version))
      this.expression((stream.version as JsonObject).value, [...at, 'version', 'value'], names)
    for (const field of ['size', 'hash', 'media_type', 'name'])
      if (isObject(stream.content))
        this.expression((stream.content as JsonObject)[field], [...at, 'content', field], names)
    // What `for_each` adds is ours, and in no answer.
    const each = (stream.read as JsonObject | undefined)?.for_each as JsonObject | undefined
    const added = isObject(each?.add) ? Object.keys(each.add) : []
    if (schema) this.fields(without(schema as RawSchema, added), record, [...at, 'schema'], '')
  }

  /** A request that answers with records; gives what one record is. `record_` names expressions that see one. */
  private list(spec: JsonObject, at: YamlPath, names: Names, record_: string[]): Type {
    const operations = this.request(spec, at, 'GET', names)
    const answer = { ...names, ...this.answerOf(operations) }
    const records = this.expression(spec.records ?? 'response', [...at, 'records'], answer)
    const { paging } = spec as Record<string, JsonObject>
    if (isObject(paging))
      for (const field of ['next', 'stop', 'total']) {
        const from = this.rows.length
        this.expression(paging[field], [...at, 'paging', field], answer)
        if (field === 'next') doubtPlaces(this.rows.slice(from), operations, this.document)
      }
    if (isObject(spec.server_cursor))
      this.expression((spec.server_cursor as JsonObject).next, [...at, 'server_cursor', 'next'], answer)
    const record = operations.length ? itemOf(records) : ANY
    for (const field of record_) this.expression(spec[field], [...at, field], { record, settings: ANY })
    return record
  }

  private write(kind: string, spec: JsonObject, at: YamlPath, schema: JsonObject | undefined): void {
    const values = schema ? typeOfSchema(schema as RawSchema, () => undefined) : ANY
    const one: Names = {
      settings: ANY,
      values,
      known: values,
      record: values,
      ref: STRING,
      id: STRING,
      idempotency_key: STRING,
      version: STRING,
      key: objectOf({ field: STRING, value: STRING }),
      index: scalar('integer'),
      file: ANY,
    }
    const method = kind === 'delete' ? 'DELETE' : kind === 'update' ? 'PATCH' : kind === 'upsert' ? 'PUT' : 'POST'
    if (spec.path !== undefined || spec.url !== undefined || spec.operation !== undefined) {
      const answer = { settings: ANY, ...this.answerOf(this.request(spec, at, method, one)) }
      for (const field of ['id', 'version', 'returned']) this.expression(spec[field], [...at, field], answer)
    }
    if (isObject(spec.batch)) this.batch(spec.batch as JsonObject, [...at, 'batch'], one)
  }

  /** The requests of a login in steps. */
  private login(auth: JsonObject, at: YamlPath): void {
    this.steps(auth.steps, [...at, 'steps'], { settings: ANY })
    const { refresh } = auth as Record<string, JsonObject>
    if (!isObject(refresh)) return
    const names = { settings: ANY, refresh_token: STRING, token: ANY }
    const answer = this.answerOf(this.request(refresh, [...at, 'refresh'], 'GET', names))
    this.expression(refresh.value, [...at, 'refresh', 'value'], answer)
  }

  /** Requests whose answers feed the next; gives what each gave, by name. */
  private steps(steps: Json | undefined, at: YamlPath, names: Names): Type {
    const given: Names = {}
    for (const [index, step] of (Array.isArray(steps) ? (steps as JsonObject[]) : []).entries()) {
      const scope = { ...names, steps: objectOf({ ...given }) }
      const answer = this.answerOf(this.request(step, [...at, index], 'GET', scope))
      for (const field of ['until', 'failed', 'message']) this.expression(step[field], [...at, index, field], answer)
      given[String(step.name)] = this.expression(step.value ?? 'response', [...at, index, 'value'], answer)
    }
    return objectOf(given)
  }

  /** What `response` is once a job has run: its last status, and the outcomes by name. */
  private jobAnswer(job: JsonObject, opened: Names, at: YamlPath, names: Names): Type {
    const scope: Names = { ...names, job: ANY, item: ANY, index: scalar('integer') }
    this.expression(job.id, [...at, 'id'], opened)
    const ask = (field: string, method: string): Names =>
      isObject(job[field])
        ? this.answerOf(this.request(job[field] as JsonObject, [...at, field], method, scope))
        : { response: ANY }
    ask('upload', 'PUT')
    ask('each', 'POST')
    ask('close', 'PATCH')
    const status = ask('status', 'GET')
    for (const field of ['done', 'failed', 'message']) this.expression(job[field], [...at, field], status)
    const given: Names = { status: status.response! }
    for (const [name, spec] of Object.entries((job.outcomes ?? {}) as Record<string, JsonObject>)) {
      const place = [...at, 'outcomes', name]
      const before = { response: objectOf({ ...given }), settings: ANY }
      const item = spec.each === undefined ? ANY : itemOf(this.expression(spec.each, [...place, 'each'], before))
      const { response } = this.answerOf(this.request(spec, place, 'GET', { ...scope, item }))
      const answer = spec.as === undefined || spec.as === 'json' ? response! : spec.as === 'text' ? STRING : ANY
      given[name] = spec.each === undefined ? answer : listOf(objectOf({ item, answer }))
    }
    return objectOf(given)
  }

  private batch(spec: JsonObject, at: YamlPath, one: Names): void {
    const item = this.template(spec.item ?? '${ values }', [...at, 'item'], one)
    const { job } = spec as Record<string, JsonObject>
    const steps = isObject(job) ? this.steps(job.steps, [...at, 'job', 'steps'], { settings: ANY, secret: ANY }) : ANY
    const names = { settings: ANY, items: listOf(item), ids: listOf(STRING), steps, secret: ANY }
    const operations = this.request(spec, at, 'POST', names)
    const opened = { settings: ANY, ...this.answerOf(operations) }
    const answer = isObject(job) ? { ...opened, response: this.jobAnswer(job, opened, [...at, 'job'], names) } : opened
    const result = itemOf(this.expression(spec.results, [...at, 'results'], answer))
    const error = itemOf(this.expression(spec.errors, [...at, 'errors'], answer))
    const scope = {
      ...answer,
      result: operations.length && spec.results !== undefined ? result : ANY,
      error: operations.length && spec.errors !== undefined ? error : ANY,
    }
    for (const field of ['failed', 'missing', 'conflict', 'again', 'id', 'version', 'message', 'error_message'])
      this.expression(spec[field], [...at, field], scope)
    if (isObject(spec.correlate))
      for (const field of ['result', 'error'])
        this.expression((spec.correlate as JsonObject)[field], [...at, 'correlate', field], scope)
  }

  /** Holds a request against the operations it may be (an address may depend on a condition); none where nothing is known. */
  private request(spec: JsonObject, at: YamlPath, byDefault: string, names: Names): Operation[] {
    const { method, paths, content } = callIn(spec, byDefault)
    if (paths.length === 0) this.note(at, 'request', method, 'unknown', 'the address is made of an expression')
    const operations = paths.flatMap((path) => this.operation(method, path, at) ?? [])
    if (operations.length === 0) return []
    for (const [name, value] of Object.entries(isObject(spec.query) ? (spec.query as JsonObject) : {})) {
      this.parameter(name, operations, [...at, 'query', name])
      this.template(value, [...at, 'query', name], names)
    }
    if (spec[content] !== undefined) this.body(spec[content]!, operations[0]!, [...at, content], names)
    return operations
  }

  private operation(method: string, path: string, at: YamlPath): Operation | null {
    const shown = `${method} ${path.replaceAll(HOLE, '…')}`
    if (path.endsWith('/$batch')) {
      this.note(
        at,
        'request',
        shown,
        'unknown',
        'a batch is part of OData, and in no description; its envelope is known',
      )
      return ODATA_BATCH
    }
    const operation = operationFor(this.document, method, this.prefixes, path)
    if (operation) this.note(at, 'request', shown, 'checked', `${operation.method} ${operation.path}`)
    else this.note(at, 'request', shown, missing.request(this.document, method), 'the description has no such call')
    return operation
  }

  private parameter(name: string, operations: Operation[], at: YamlPath): void {
    const known = operations.some((operation) => takesParameter(operation, name, operation.lookup))
    const verdict = known ? 'checked' : missing.parameter(this.document, name)
    const detail = known
      ? ''
      : `${operations.map(({ method, path }) => `${method} ${path}`).join(' and ')} has no such parameter`
    this.note(at, 'parameter', name, verdict, detail)
  }

  private body(body: Json, operation: Operation, at: YamlPath, names: Names): void {
    const sent = this.template(body, at, names)
    if (!operation.body) {
      this.note(at, 'sent', 'body', 'wrong', `${operation.method} ${operation.path} takes no body`)
      return
    }
    this.sent(sent, typeOfSchema(operation.body.schema, operation.lookup), operation, at, '', 0)
  }

  /** Every member that is sent must be one the operation takes. */
  private sent(sent: Type, taken: Type, operation: Operation, at: YamlPath, path: string, depth: number): void {
    if (sent.kind === 'none' || depth > 6) return
    if (sent.kind === 'any' || taken.kind === 'any') {
      if (path)
        this.note(
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
      if (!named && isAnnotation(name)) this.note(at, 'sent', inner, 'checked', 'an annotation')
      else if (!named && (theirs.kind === 'none' || theirs.kind === 'any')) {
        const { verdict, detail } = unnamed(this.document, operation, inner, itemOf(taken))
        this.note(at, 'sent', inner, verdict, detail)
      } else if (isReadOnly(theirs)) this.note(at, 'sent', inner, 'wrong', 'the member is read-only')
      else if (namesOf(mine).length && theirs.kind !== 'scalar')
        this.sent(mine, theirs, operation, at, inner, depth + 1)
      else this.note(at, 'sent', inner, 'checked', '')
    }
  }

  private answerOf(operations: Operation[]): Names {
    const answers = operations.map(({ answer, lookup }) => (answer ? typeOfSchema(answer, lookup) : ANY))
    const response = answers.length ? union(answers) : ANY
    return { response, status: scalar('integer'), headers: ANY, settings: ANY }
  }

  /** Fields of our schema must be members of the record that is read. */
  private fields(schema: RawSchema, record: Type, at: YamlPath, path: string): void {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      const found = member(itemOf(record), name)
      const shown = path ? `${path}.${name}` : name
      const deeper = inner.properties ?? inner.items?.properties
      if (found.kind === 'none') this.note(at, 'field', shown, 'wrong', 'the answer has no such member')
      else if (deeper && found.kind !== 'any')
        this.fields(inner.properties ? inner : inner.items!, itemOf(found), at, shown)
      else {
        const named = tellsOf(itemOf(record), name)
        this.note(
          at,
          'field',
          shown,
          named || (found.kind !== 'any' && !isOpen(record)) ? 'checked' : 'unknown',
          named ? '' : 'the description does not name it',
        )
      }
    }
  }

  /** Reads an expression; every member of an answer or a record it names becomes a row. */
  private expression(source: Json | undefined, at: YamlPath, names: Names): Type {
    if (typeof source !== 'string') return ANY
    const { type, readings } = infer(source, names)
    for (const { path, verdict } of readings) this.reading(path, verdict, at, names)
    return type
  }

  private reading(path: string, verdict: SpecVerdict, at: YamlPath, names: Names): void {
    const [first = ''] = path.split('.')
    // Settings, headers and what we made ourselves are not the vendor's.
    if (!['response', 'record', 'result', 'error'].includes(first) || names[first] === undefined) return
    this.note(at, 'read', path, verdict, verdict === 'wrong' ? 'the answer has no such member' : '')
  }

  /** What a value with inserts gives. */
  private template(value: Json | undefined, at: YamlPath, names: Names): Type {
    if (typeof value === 'string') return this.text(value, at, names)
    if (Array.isArray(value))
      return listOf(union(value.map((item, index) => itemOf(this.template(item, [...at, index], names)))))
    if (isObject(value))
      return objectOf(
        Object.fromEntries(
          Object.entries(value).map(([name, item]) => [name, this.template(item as Json, [...at, name], names)]),
        ),
      )
    return value === null || value === undefined ? NONE : scalar(typeof value)
  }

  private text(value: string, at: YamlPath, names: Names): Type {
    const pieces = parseInserts(value)
    if (!Array.isArray(pieces)) return ANY
    const inserts = pieces.flatMap((piece) =>
      typeof piece === 'string' ? [] : [this.expression(piece.source, at, names)],
    )
    return pieces.length === 1 && inserts.length === 1 ? inserts[0]! : STRING
  }

  private note(at: YamlPath, what: SpecRow['what'], name: string, verdict: SpecVerdict, detail: string): void {
    this.rows.push({ place: formatPlace(this.yaml.placeOf(at)), what, name, verdict, detail })
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

const without = (schema: RawSchema, names: string[]): RawSchema =>
  names.length === 0
    ? schema
    : {
        ...schema,
        properties: Object.fromEntries(
          Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name)),
        ),
      }
