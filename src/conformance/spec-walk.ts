/** Walks a manifest: each request it can make and each member it reads is held against the description. */
import {
  ANY,
  type ApiDocument,
  isOpen,
  itemOf,
  listOf,
  member,
  type Operation,
  objectOf,
  type RawSchema,
  scalar,
  type Type,
  tellsOf,
  union,
} from '../apispec/index.ts'
import type { ConnectorDescription } from '../connector/index.ts'
import { isObject, type JsonObject, type YamlFile, type YamlPath } from '../core/index.ts'
import { prefixesOf } from './spec-address.ts'
import { entityOf, entitySetRows } from './spec-entity-set.ts'
import { SpecExpressions } from './spec-expressions.ts'
import { doubtPlaces } from './spec-partial.ts'
import { SpecRequests } from './spec-requests.ts'
import { type Names, type SpecRow, SpecRows } from './spec-rows.ts'
import { SpecWrites } from './spec-writes.ts'

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
  readonly prefixes: string[]
  /** Calls that go on at addresses which the service gives out. */
  readonly goingOn = new Set<Operation>()
  private readonly notes: SpecRows
  private readonly connector: ConnectorDescription
  private readonly document: ApiDocument
  private readonly manifest: JsonObject
  private readonly expressions: SpecExpressions
  private readonly requests: SpecRequests
  private readonly writes: SpecWrites

  constructor(yaml: YamlFile, connector: ConnectorDescription, document: ApiDocument) {
    this.notes = new SpecRows(yaml)
    this.connector = connector
    this.document = document
    this.manifest = yaml.value as JsonObject
    this.prefixes = prefixesOf(this.manifest.base_url)
    this.expressions = new SpecExpressions(this.notes)
    this.requests = new SpecRequests(this.notes, this.expressions, document, this.prefixes)
    this.writes = new SpecWrites(this.expressions, this.requests)
  }

  run(): SpecRow[] {
    const { auth } = this.manifest as Record<string, JsonObject>
    if (isObject(auth) && auth.kind === 'steps') this.writes.login(auth, ['auth'])
    for (const [name, stream] of Object.entries((this.manifest.streams ?? {}) as Record<string, JsonObject>))
      this.described(() => this.stream(name, stream))
    return this.notes.rows
  }

  /** Descriptions may cover a part of an API: of a stream that has no call in it, nothing can be said. */
  private described(walk: () => void): void {
    const from = this.notes.rows.length
    walk()
    // A GraphQL schema is whole: what it does not have does not exist.
    if (this.document.graphql) return
    const mine = this.notes.rows.slice(from)
    if (mine.some(({ what, verdict }) => what === 'request' && verdict === 'checked')) return
    for (const row of mine)
      Object.assign(row, { verdict: 'unknown', detail: 'the description has nothing of this stream' })
  }

  private stream(name: string, stream: JsonObject): void {
    const at = ['streams', name]
    const info = this.connector.streams.find((one) => one.name === name)
    const found: Type[] = []
    if (typeof stream.set === 'string') {
      this.notes.rows.push(...entitySetRows(name, stream, this.notes.yaml, this.document, info?.writeSchema))
      found.push(entityOf(stream, this.document) ?? ANY)
    }
    const { read, fetch, lookup, write, content } = stream as Record<string, JsonObject | undefined>
    if (read) found.push(this.read(read, [...at, 'read']))
    if (isObject(read?.deletions)) this.list(read.deletions as JsonObject, [...at, 'read', 'deletions'], READ, ['id'])
    if (fetch) found.push(this.list(fetch, [...at, 'fetch'], { settings: ANY, id: STRING, ids: listOf(STRING) }, []))
    for (const [index, one] of ((stream.nested ?? []) as JsonObject[]).entries())
      this.nested(one, [...at, 'nested', index], union(found))
    for (const [field, spec] of Object.entries((lookup ?? {}) as Record<string, JsonObject>))
      if (typeof stream.set !== 'string') this.lookup(spec, [...at, 'lookup', field], found.at(-1) ?? ANY)
    // A record comes from a list or by its id; what it may hold is what either answer says. Where one of them is not described,
    // a field that the other does not name may still be there.
    const record = union(found)
    if (found.some(({ kind }) => kind !== 'any')) this.record(stream, record, at, info?.readSchema)
    for (const operation of WRITES)
      if (isObject(write?.[operation]))
        this.writes.write(
          operation,
          write[operation] as JsonObject,
          [...at, 'write', operation],
          info?.writeSchema ?? info?.readSchema,
        )
    if (isObject(content?.download))
      this.requests.request(content.download as JsonObject, [...at, 'content', 'download'], 'GET', {
        settings: ANY,
        locator: ANY,
      })
  }

  /** What is found is compared as it is shown; with `fetch_ids` as it is then read, by id. */
  private lookup(spec: JsonObject, at: YamlPath, fetched: Type): void {
    const names = { settings: ANY, value: STRING, values: listOf(STRING), cursor: ANY, page: READ.page! }
    if (spec.fetch_ids === undefined) this.list(spec, at, names, ['field'])
    else {
      this.list(spec, at, names, ['fetch_ids'])
      this.expressions.expression(spec.field, [...at, 'field'], { record: fetched, settings: ANY })
    }
  }

  /** The rest of a list that a record holds. */
  private nested(spec: JsonObject, at: YamlPath, record: Type): void {
    const names = { record, settings: ANY }
    this.expressions.expression(`record.${spec.at}`, [...at, 'at'], names)
    this.expressions.expression(spec.next, [...at, 'next'], names)
    const operations = this.requests.request(spec, at, 'GET', { ...names, cursor: ANY })
    const answer = { ...names, ...this.requests.answerOf(operations) }
    for (const field of ['records', 'more']) this.expressions.expression(spec[field], [...at, field], answer)
  }

  private read(read: JsonObject, at: YamlPath): Type {
    const record = this.list(read, at, READ, ['fetch_ids', 'each'])
    const names = { record, settings: ANY }
    if (isObject(read.changes)) {
      const changes = read.changes as JsonObject
      const entry = this.list(changes, [...at, 'changes'], READ, ['id', 'deleted'])
      this.expressions.expression(
        (changes.incremental as JsonObject).value,
        [...at, 'changes', 'incremental', 'value'],
        {
          record: entry,
          settings: ANY,
        },
      )
    }
    if (isObject(read.incremental))
      this.expressions.expression((read.incremental as JsonObject).value, [...at, 'incremental', 'value'], names)
    const { paging } = read as Record<string, JsonObject>
    if (isObject(paging)) this.expressions.expression(paging.key, [...at, 'paging', 'key'], names)
    return record
  }

  /** What the stream says of its records, and the fields of its schema. */
  private record(stream: JsonObject, record: Type, at: YamlPath, schema: JsonObject | undefined): void {
    const names = { record, settings: ANY }
    for (const field of ['key', 'deleted', 'aliases']) this.expressions.expression(stream[field], [...at, field], names)
    if (isObject(stream.version))
      this.expressions.expression((stream.version as JsonObject).value, [...at, 'version', 'value'], names)
    for (const field of ['size', 'hash', 'media_type', 'name'])
      if (isObject(stream.content))
        this.expressions.expression((stream.content as JsonObject)[field], [...at, 'content', field], names)
    // What `for_each` adds is ours, and in no answer.
    const each = (stream.read as JsonObject | undefined)?.for_each as JsonObject | undefined
    const added = isObject(each?.add) ? Object.keys(each.add) : []
    if (schema) this.fields(without(schema as RawSchema, added), record, [...at, 'schema'], '')
  }

  /** A request that answers with records; gives what one record is. `record_` names expressions that see one. */
  private list(spec: JsonObject, at: YamlPath, names: Names, record_: string[]): Type {
    const operations = this.requests.request(spec, at, 'GET', names)
    const answer = { ...names, ...this.requests.answerOf(operations) }
    const records = this.expressions.expression(spec.records ?? 'response', [...at, 'records'], answer)
    const { paging, server_cursor } = spec as Record<string, JsonObject>
    if (paging?.kind === 'next-url' || server_cursor?.as === 'url')
      for (const operation of operations) this.goingOn.add(operation)
    if (isObject(paging))
      for (const field of ['next', 'stop', 'total']) {
        const from = this.notes.rows.length
        this.expressions.expression(paging[field], [...at, 'paging', field], answer)
        if (field === 'next') doubtPlaces(this.notes.rows.slice(from), operations, this.document)
      }
    if (isObject(paging) && typeof paging.connection === 'string')
      for (const name of ['hasNextPage', 'endCursor'])
        this.expressions.expression(`${paging.connection}.pageInfo.${name}`, [...at, 'paging', 'connection'], answer)
    if (isObject(server_cursor))
      this.expressions.expression(server_cursor.next, [...at, 'server_cursor', 'next'], answer)
    const record = operations.length ? itemOf(records) : ANY
    for (const field of record_) this.expressions.expression(spec[field], [...at, field], { record, settings: ANY })
    return record
  }

  /** Fields of our schema must be members of the record that is read. */
  private fields(schema: RawSchema, record: Type, at: YamlPath, path: string): void {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      const found = member(itemOf(record), name)
      const shown = path ? `${path}.${name}` : name
      const deeper = inner.properties ?? inner.items?.properties
      if (found.kind === 'none') this.notes.note(at, 'field', shown, 'wrong', 'the answer has no such member')
      else if (deeper && found.kind !== 'any')
        this.fields(inner.properties ? inner : inner.items!, itemOf(found), at, shown)
      else {
        const named = tellsOf(itemOf(record), name)
        this.notes.note(
          at,
          'field',
          shown,
          named || (found.kind !== 'any' && !isOpen(record)) ? 'checked' : 'unknown',
          named ? '' : 'the description does not name it',
        )
      }
    }
  }
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
