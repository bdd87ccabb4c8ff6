/** Walks a manifest: each request it can make and each member it reads is held against the description. */
import {
  ANY,
  type ApiDocument,
  infer,
  isOpen,
  itemOf,
  listOf,
  member,
  NONE,
  namesOf,
  type Operation,
  objectOf,
  type RawSchema,
  scalar,
  type Type,
  typeOfSchema,
  union,
} from '../apispec/index.ts'
import { type ConnectorDescription, parseInserts } from '../connector/index.ts'
import { formatPlace, isObject, type Json, type JsonObject, type YamlFile, type YamlPath } from '../core/index.ts'
import { entityOf, entitySetRows } from './spec-entity-set.ts'
import { HOLE, operationFor } from './spec-match.ts'

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
      this.rows.push(...entitySetRows(name, stream, this.yaml, this.document))
      found.push(entityOf(stream, this.document) ?? ANY)
    }
    const { read, fetch, lookup, write, content } = stream as Record<string, JsonObject | undefined>
    if (read) found.push(this.read(read, [...at, 'read']))
    if (isObject(read?.deletions)) this.list(read.deletions as JsonObject, [...at, 'read', 'deletions'], READ, ['id'])
    if (fetch) found.push(this.list(fetch, [...at, 'fetch'], { settings: ANY, id: STRING, ids: listOf(STRING) }, []))
    for (const [field, spec] of Object.entries((lookup ?? {}) as Record<string, JsonObject>))
      if (typeof stream.set !== 'string')
        this.list(spec, [...at, 'lookup', field], { settings: ANY, value: STRING, values: listOf(STRING) }, ['field'])
    // A record comes from a list or by its id; what it may hold is what either answer says.
    const record = union(found.filter(({ kind }) => kind !== 'any'))
    if (record.kind !== 'none') this.record(stream, record, at, info?.readSchema)
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

  private read(read: JsonObject, at: YamlPath): Type {
    const record = this.list(read, at, READ, ['fetch_ids', 'each'])
    const names = { record, settings: ANY }
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
    const operation = this.request(spec, at, 'GET', names)
    const answer = { ...names, ...this.answerOf(operation) }
    const records = this.expression(spec.records ?? 'response', [...at, 'records'], answer)
    const { paging } = spec as Record<string, JsonObject>
    if (isObject(paging))
      for (const field of ['next', 'stop', 'total']) this.expression(paging[field], [...at, 'paging', field], answer)
    if (isObject(spec.server_cursor))
      this.expression((spec.server_cursor as JsonObject).next, [...at, 'server_cursor', 'next'], answer)
    const record = operation ? itemOf(records) : ANY
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
    if (spec.path !== undefined || spec.url !== undefined) {
      const operation = this.request(spec, at, method, one)
      const answer = { settings: ANY, ...this.answerOf(operation) }
      for (const field of ['id', 'version', 'returned']) this.expression(spec[field], [...at, field], answer)
    }
    if (isObject(spec.batch)) this.batch(spec.batch as JsonObject, [...at, 'batch'], one)
  }

  private batch(spec: JsonObject, at: YamlPath, one: Names): void {
    const item = this.template(spec.item ?? '${ values }', [...at, 'item'], one)
    const operation = this.request(spec, at, 'POST', { settings: ANY, items: listOf(item), ids: listOf(STRING) })
    const answer = { settings: ANY, ...this.answerOf(operation) }
    const result = itemOf(this.expression(spec.results, [...at, 'results'], answer))
    const error = itemOf(this.expression(spec.errors, [...at, 'errors'], answer))
    const scope = {
      ...answer,
      result: operation && spec.results !== undefined ? result : ANY,
      error: operation && spec.errors !== undefined ? error : ANY,
    }
    for (const field of ['failed', 'missing', 'conflict', 'again', 'id', 'version', 'message', 'error_message'])
      this.expression(spec[field], [...at, field], scope)
    if (isObject(spec.correlate))
      for (const field of ['result', 'error'])
        this.expression((spec.correlate as JsonObject)[field], [...at, 'correlate', field], scope)
  }

  /** Holds a request against its operation; null where the description has none. */
  private request(spec: JsonObject, at: YamlPath, byDefault: string, names: Names): Operation | null {
    const method = String(spec.method ?? byDefault)
    const path = pathText(spec)
    if (path === null) {
      this.note(at, 'request', method, 'unknown', 'the address is made of an expression')
      return null
    }
    const operation = operationFor(this.document, method, this.prefixes, path)
    const shown = `${method} ${path.replaceAll(HOLE, '…')}`
    if (!operation) {
      this.note(at, 'request', shown, 'wrong', 'the description has no such call')
      return null
    }
    this.note(at, 'request', shown, 'checked', `${operation.method} ${operation.path}`)
    for (const name of Object.keys(isObject(spec.query) ? spec.query : {}))
      this.parameter(name, operation, [...at, 'query', name])
    for (const name of Object.keys(isObject(spec.query) ? spec.query : {}))
      this.template((spec.query as JsonObject)[name], [...at, 'query', name], names)
    if (spec.body !== undefined) this.body(spec.body, operation, [...at, 'body'], names)
    return operation
  }

  private parameter(name: string, operation: Operation, at: YamlPath): void {
    const bare = name.replace(/\[.*$/, '')
    const known = operation.parameters.some(
      (one) => one.in === 'query' && (one.name === name || one.name.replace(/\[.*$/, '') === bare),
    )
    this.note(
      at,
      'parameter',
      name,
      known ? 'checked' : 'wrong',
      known ? '' : `${operation.method} ${operation.path} has no such parameter`,
    )
  }

  private body(body: Json, operation: Operation, at: YamlPath, names: Names): void {
    const sent = this.template(body, at, names)
    if (!operation.body) {
      this.note(at, 'sent', 'body', 'wrong', `${operation.method} ${operation.path} takes no body`)
      return
    }
    this.sent(sent, typeOfSchema(operation.body.schema, operation.lookup), at, '', 0)
  }

  /** Every member that is sent must be one the operation takes. */
  private sent(sent: Type, taken: Type, at: YamlPath, path: string, depth: number): void {
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
    for (const name of names) {
      const inner = path ? `${path}.${name}` : name
      const [mine, theirs] = [itemOf(member(sent, name)), itemOf(member(itemOf(taken), name))]
      if (theirs.kind === 'none') this.note(at, 'sent', inner, 'wrong', 'the call takes no such member')
      else if (namesOf(mine).length && theirs.kind !== 'scalar') this.sent(mine, theirs, at, inner, depth + 1)
      else
        this.note(
          at,
          'sent',
          inner,
          theirs.kind === 'any' && !namesOf(itemOf(taken)).includes(name) ? 'unknown' : 'checked',
          '',
        )
    }
  }

  private answerOf(operation: Operation | null): Names {
    const response = operation?.answer ? typeOfSchema(operation.answer, operation.lookup) : ANY
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
        const named = namesOf(itemOf(record)).includes(name)
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

/** Path of a request with a hole for every insert; null where nothing of it stands there as text. */
function pathText({ path, url }: JsonObject): string | null {
  const text = path ?? url
  if (text === undefined) return ''
  const pieces = parseInserts(String(text))
  if (!Array.isArray(pieces)) return null
  const joined = pieces.map((piece) => (typeof piece === 'string' ? piece : HOLE)).join('')
  const bare = (path === undefined ? joined.replace(/^(https?:\/\/[^/]*|\uFFFC)/, '') : joined).split('?')[0]!
  return bare.replaceAll(HOLE, '') === '' && joined !== ''
    ? null
    : bare.startsWith('/') || bare === ''
      ? bare
      : `/${bare}`
}

/** What stands before the paths: the path of the base URL, and nothing, for descriptions that leave it out. */
function prefixesOf(base: Json | undefined): string[] {
  const pieces = parseInserts(String(base ?? ''))
  if (!Array.isArray(pieces)) return ['']
  const joined = pieces.map((piece) => (typeof piece === 'string' ? piece : HOLE)).join('')
  const behind = joined.replace(/^https?:\/\/[^/]*/, '').replace(/^\uFFFC/, '')
  const inside = pieces
    .flatMap((piece) => (typeof piece === 'string' ? [] : [/["'](\/[\w./-]+)["']/.exec(piece.source)?.[1] ?? '']))
    .filter(Boolean)
  return [...new Set(['', behind.replace(/\/$/, ''), ...inside])]
}

const without = (schema: RawSchema, names: string[]): RawSchema =>
  names.length === 0
    ? schema
    : {
        ...schema,
        properties: Object.fromEntries(
          Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name)),
        ),
      }
