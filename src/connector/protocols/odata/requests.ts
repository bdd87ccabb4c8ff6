/** The requests an entity set is asked with. */
import type { Json, JsonObject } from '../../../core/index.ts'
import { asText, type Scope } from '../../language/index.ts'
import type { HttpRequest } from '../../parts/request.ts'
import type { ODataConnector, ODataStream } from './fields.ts'
import { keyPredicate, valuesOfId } from './keys.ts'
import { type EdmType, literal } from './literals.ts'

/** A request without base URL: `path` begins with the entity set. */
export type ODataRequest = {
  request: {
    /** `page`: one answer. `all`: the pages it links are read too. `write`; or `batch`, made of the parts in `items`. */
    kind: 'page' | 'all' | 'write' | 'batch'
    /** Names of the scope it looks at, as the parts around it want to know. */
    names: ReadonlySet<string>
    build(scope: Scope): HttpRequest
  }
}

/** What one entity set is asked and told. */
export class EntitySet {
  readonly stream: ODataStream
  private readonly connector: ODataConnector

  constructor(stream: ODataStream, connector: ODataConnector) {
    this.stream = stream
    this.connector = connector
  }

  get version() {
    return this.connector.odata
  }

  literal(value: unknown, type: EdmType): string {
    return literal(value, type, this.version)
  }

  /** One page of the stream. */
  page(scope: Scope): HttpRequest {
    const { stream } = this
    const { page, cursor, since, settings } = scope as {
      page: { size: number; offset: number }
      cursor?: Json[]
    } & Scope
    const server = stream.paging === 'server'
    const keys = this.columns.slice(-Object.keys(stream.keys).length)
    const columns = since === undefined ? keys : this.columns
    const last = cursor?.slice(-columns.length)
    return this.query(settings, {
      filter: both(
        this.changedSince(since, settings),
        last ? behind(columns.map(({ name, type }, i) => [name, this.literal(last[i], type)])) : null,
      ),
      orderby: server ? textOf(stream.order, settings) : columns.map(({ name }) => name).join(','),
      top: server ? null : page.size,
      skip: stream.paging === 'skip' && page.offset > 0 ? page.offset : null,
      prefer: [
        ...(server && this.version === 'v4' ? [`odata.maxpagesize=${page.size}`] : []),
        ...(stream.changes?.kind === 'delta' ? ['odata.track-changes'] : []),
      ],
    })
  }

  /** Where the next page begins (`paging: keyset`): the values of its last entity, as they came. */
  keyset(record: JsonObject): Json[] {
    // As texts: a large number would lose digits on its way through the ledger.
    return this.columns.map(({ name }) => (record[name] == null ? null : asText(record[name])))
  }

  /** Entities one of whose properties has one of the values. */
  found(name: string, type: EdmType, values: unknown[], ignoreCase: boolean, settings: unknown): HttpRequest {
    const [left, fold] = ignoreCase ? [`tolower(${name})`, lower] : [name, (value: unknown) => value]
    return this.query(settings, {
      filter: anyOf(values.map((value) => `${left} eq ${this.literal(fold(value), type)}`)),
    })
  }

  byIds(ids: string[], settings: unknown): HttpRequest {
    const { keys } = this.stream
    const one = (id: string) =>
      Object.entries(valuesOfId(id, keys))
        .map(([name, value]) => `${name} eq ${this.literal(value, keys[name]!)}`)
        .join(' and ')
    return this.query(settings, { filter: anyOf(ids.map(one)) })
  }

  create({ values, settings }: Scope): HttpRequest {
    return this.body('POST', `/${this.set(settings)}`, values, { Prefer: this.representation })
  }

  update({ values, settings, id, version }: Scope, method: string): HttpRequest {
    const headers = { 'If-Match': this.condition(version), Prefer: this.representation }
    return this.body(method, this.entity(String(id), settings), values, headers)
  }

  upsert({ values, settings, key }: Scope): HttpRequest {
    const { field, value } = key as { field: string; value: string }
    const { keys, alternate_keys } = this.stream
    const type = Object.hasOwn(keys, field) ? keys[field]! : alternate_keys![field]!
    const own = Object.keys(keys).length === 1 && Object.hasOwn(keys, field)
    const predicate = keyPredicate({ [field]: value }, { [field]: type }, this.version)
    const path = `/${this.set(settings)}(${own ? predicate : `${field}=${predicate}`})`
    // The key stands in the address; some services refuse to see it a second time.
    const rest = Object.fromEntries(Object.entries(values as JsonObject).filter(([name]) => name !== field))
    return this.body('PATCH', path, rest, { Prefer: this.representation })
  }

  remove({ settings, id, version }: Scope): HttpRequest {
    return this.read('DELETE', this.entity(String(id), settings), { 'If-Match': this.condition(version) })
  }

  private entity(id: string, settings: unknown): string {
    const { keys } = this.stream
    return `/${this.set(settings)}(${keyPredicate(valuesOfId(id, keys), keys, this.version)})`
  }

  private condition(version: unknown): string | undefined {
    return typeof version === 'string' ? version : this.connector.update_only_if_there ? '*' : undefined
  }

  private get representation(): string | undefined {
    return this.version === 'v4' ? 'return=representation' : undefined
  }

  /** What pages are ordered by: the last change, where it is filtered by, then the key. */
  private get columns(): { name: string; type: EdmType }[] {
    const { changes, keys } = this.stream
    return [
      ...(changes?.kind === 'filter' && changes.ordered ? [{ name: changes.field, type: changes.type }] : []),
      ...Object.entries(keys).map(([name, type]) => ({ name, type })),
    ]
  }

  private changedSince(since: unknown, settings: unknown): string | null {
    const { changes } = this.stream
    if (changes?.kind !== 'filter' || since === undefined) return null
    const at = this.literal(since, changes.type)
    const given = changes.filter?.evaluate({ since: at, settings })
    return typeof given === 'string' ? given : `${changes.field} ge ${at}`
  }

  private query(
    settings: unknown,
    asked: {
      filter: string | null
      orderby?: string | null
      top?: number | null
      skip?: number | null
      prefer?: string[]
    },
  ): HttpRequest {
    const { select, keys, changes, filter, expand } = this.stream
    const needed = [...Object.keys(keys), ...(changes?.kind === 'filter' ? [changes.field] : [])]
    const options = {
      $select: select ? [...new Set([...needed, ...select])].join(',') : null,
      $expand: textOf(expand, settings),
      $filter: both(textOf(filter, settings), asked.filter),
      $orderby: asked.orderby ?? null,
      $top: asked.top ?? null,
      $skip: asked.skip ?? null,
    }
    const query = Object.entries(options)
      .filter(([, value]) => value !== null && value !== '')
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`)
      .join('&')
    const prefer = asked.prefer?.length ? { Prefer: asked.prefer.join(', ') } : {}
    return this.read('GET', `/${this.set(settings)}${query && `?${query}`}`, prefer)
  }

  /** The root of the service, as an address below the base URL; empty where that is the base URL itself. */
  service(settings: unknown): string {
    const service = textOf(this.stream.service, settings)
    return service === null ? '' : `/${service.replace(/^\/|\/$/g, '')}`
  }

  private set(settings: unknown): string {
    const set = String(this.stream.set.evaluate({ settings }) ?? '').replace(/^\//, '')
    return `${this.service(settings).slice(1)}${this.stream.service ? '/' : ''}${set}`
  }

  private read(method: string, url: string, headers: Record<string, string | undefined>): HttpRequest {
    return { method, url, headers: { ...this.headers(), ...headers } }
  }

  private body(method: string, url: string, values: unknown, headers: Record<string, string | undefined>): HttpRequest {
    return {
      method,
      url,
      headers: { ...this.headers(), 'Content-Type': this.mediaType, ...headers },
      body: JSON.stringify(values),
    }
  }

  private get mediaType(): string {
    return `application/json${this.version === 'v4' && this.connector.numbers_as_text ? ';IEEE754Compatible=true' : ''}`
  }

  private headers(): Record<string, string> {
    return this.version === 'v4'
      ? { Accept: this.mediaType, 'OData-Version': '4.0', 'OData-MaxVersion': '4.0' }
      : { Accept: 'application/json', DataServiceVersion: '2.0', MaxDataServiceVersion: '2.0' }
  }
}

const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value)

const textOf = (from: { evaluate(scope: Scope): unknown } | undefined, settings: unknown): string | null => {
  const value = from?.evaluate({ settings })
  return value === undefined || value === null || value === '' ? null : asText(value)
}

const both = (a: string | null, b: string | null): string | null => (a && b ? `(${a}) and (${b})` : (a ?? b))
const anyOf = (terms: string[]): string =>
  terms.length === 1 ? terms[0]! : terms.map((term) => `(${term})`).join(' or ')

/** Greater in the order of several columns: `a gt 1 or (a eq 1 and b gt 2)`. */
function behind(columns: [name: string, literal: string][]): string {
  const terms = columns.map(([name, value], i) =>
    [...columns.slice(0, i).map(([before, same]) => `${before} eq ${same}`), `${name} gt ${value}`].join(' and '),
  )
  return anyOf(terms)
}
