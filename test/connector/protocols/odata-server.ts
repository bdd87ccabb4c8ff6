/** An OData service in memory, version 4 or 2: paging, delta links, ETags, batches, and faults to switch on. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { parseExact } from '../../../src/core/index.ts'
import { BadRequest, literalValue, predicate, type Row, shown, type Type, type Version } from './odata-filter.ts'

export type Table = { keys: Record<string, Type>; types: Record<string, Type>; rows: Row[] }
type Sent = { method: string; url: string; headers: Record<string, string>; body: string }
type Answered = { status: number; headers?: Record<string, string>; body?: unknown }

export class ODataServer {
  readonly tables: Record<string, Table>
  readonly version: Version
  readonly asked: Sent[] = []
  url = ''
  pageSize = 2
  /** Deltas older than this counter are forgotten. */
  oldest = 0
  /** Whether `$batch` goes on behind a refusal although nobody asked. */
  stubborn = false
  csrf: string | null = null
  intercept: (sent: Sent, response: ServerResponse) => boolean = () => false
  /** Looks at a single write, alone or in a batch. */
  onWrite: (sent: Sent) => Answered | null = () => null
  private counter = 0
  private readonly log: { table: string; key: string; at: number; gone: boolean }[] = []
  private readonly tokens = new Map<string, { rows: Row[]; delta: string | null }>()
  private readonly server = createServer((request, response) => {
    this.serve(request, response).catch((error) => response.destroy(error))
  })

  constructor(version: Version, tables: Record<string, Table>) {
    this.version = version
    this.tables = tables
    for (const [name, { rows }] of Object.entries(tables)) for (const row of rows) this.touch(name, row)
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  stop(): void {
    this.server.closeAllConnections()
    this.server.close()
  }

  get host(): string {
    return new URL(this.url).host
  }

  /** Notes a change: a new ETag, an entry in the change log. */
  touch(table: string, row: Row, gone = false): void {
    row['#etag'] = `W/"${++this.counter}"`
    this.log.push({ table, key: this.predicateOf(table, row), at: this.counter, gone })
  }

  remove(table: string, row: Row): void {
    const { rows } = this.tables[table]!
    rows.splice(rows.indexOf(row), 1)
    this.touch(table, row, true)
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent: Sent = {
      method: request.method!,
      url: request.url!.replace(/^\/odata\//, ''),
      headers: request.headers as Record<string, string>,
      body: await text(request),
    }
    this.asked.push(sent)
    if (this.intercept(sent, response)) return
    const { status, headers = {}, body } = this.guarded(sent)
    const payload = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(payload)
  }

  private guarded(sent: Sent): Answered {
    const token = sent.headers['x-csrf-token']
    if (this.csrf !== null && token?.toLowerCase() === 'fetch')
      return { status: 200, headers: { 'x-csrf-token': this.csrf, 'set-cookie': 'sid=7' } }
    if (this.csrf !== null && sent.method !== 'GET' && (token !== this.csrf || !sent.headers.cookie?.includes('sid=7')))
      return { status: 403, headers: { 'x-csrf-token': 'Required' } }
    const required = this.version === 'v4' ? 'odata-maxversion' : 'maxdataserviceversion'
    if (sent.headers[required] === undefined) return this.refused(400, `${required} is missing`)
    return sent.url.startsWith('$batch') ? this.batch(sent) : this.single(sent)
  }

  private single(sent: Sent): Answered {
    try {
      return sent.method === 'GET' ? this.read(sent) : (this.onWrite(sent) ?? this.write(sent))
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error
      return this.refused(400, error.message)
    }
  }

  private refused(status: number, message: string): Answered {
    const shown = this.version === 'v4' ? message : { lang: 'en', value: message }
    return { status, body: { error: { code: `E${status}`, message: shown } } }
  }

  private read({ url, headers }: Sent): Answered {
    const asked = new URL(url, 'http://x/')
    const token = asked.searchParams.get('$skiptoken')
    if (token !== null) return this.page(this.tables[asked.pathname.slice(1)]!, asked, this.tokens.get(token)!)
    const name = asked.pathname.slice(1)
    const table = this.tables[name]
    if (!table) return this.refused(404, `no entity set ${name}`)
    const options = Object.fromEntries(asked.searchParams)
    const delta = options.$deltatoken
    if (delta !== undefined) return this.delta(name, Number(delta))
    const matches = options.$filter ? predicate(options.$filter, table.types, this.version) : () => true
    const found = table.rows.filter(matches)
    for (const column of (options.$orderby ?? '').split(',').filter(Boolean).reverse())
      found.sort((a, b) => (key(a[column], table.types[column]!) < key(b[column], table.types[column]!) ? -1 : 1))
    const [skip, top] = [Number(options.$skip ?? 0), Number(options.$top ?? Number.POSITIVE_INFINITY)]
    const rows = found.slice(skip, skip + top)
    const tracked = /odata\.track-changes/.test(headers.prefer ?? '')
    return this.page(table, asked, { rows, delta: tracked ? `${name}?$deltatoken=${this.counter}` : null })
  }

  private page(table: Table, { pathname, searchParams }: URL, state: { rows: Row[]; delta: string | null }): Answered {
    const [rows, rest] = [state.rows.slice(0, this.pageSize), state.rows.slice(this.pageSize)]
    const select = searchParams.get('$select')?.split(',')
    const value = rows.map((row) => this.entity(pathname.slice(1), row, select))
    let next: string | null = null
    if (rest.length) {
      const token = String(this.tokens.size)
      this.tokens.set(token, { rows: rest, delta: state.delta })
      next = `${pathname.slice(1)}?$skiptoken=${token}${select ? `&$select=${select.join(',')}` : ''}`
    }
    void table
    if (this.version === 'v2')
      return { status: 200, body: { d: { results: value, ...(next ? { __next: `${this.url}/odata/${next}` } : {}) } } }
    const links = { ...(next ? { '@odata.nextLink': next } : state.delta ? { '@odata.deltaLink': state.delta } : {}) }
    return { status: 200, body: { '@odata.context': '$metadata#x', value, ...links } }
  }

  private delta(name: string, since: number): Answered {
    if (since < this.oldest) return this.refused(410, 'the delta link is too old')
    const changes = new Map(this.log.filter(({ table, at }) => table === name && at > since).map((c) => [c.key, c]))
    const value = [...changes.values()].map(({ key: at, gone }, i) => {
      const row = this.tables[name]!.rows.find((one) => this.predicateOf(name, one) === at)
      if (!gone && row) return this.entity(name, row)
      // Both spellings: 4.0 by context, 4.01 by a control word.
      return i % 2
        ? {
            '@odata.context': `$metadata#${name}/$deletedEntity`,
            id: `${this.url}/odata/${name}(${at})`,
            reason: 'deleted',
          }
        : { '@removed': { reason: 'deleted' }, '@id': `${name}(${at})` }
    })
    return { status: 200, body: { value, '@odata.deltaLink': `${name}?$deltatoken=${this.counter}` } }
  }

  private entity(name: string, row: Row, select?: string[]): Row {
    const shown = Object.entries(row).filter(([field]) => field[0] !== '#' && (!select || select.includes(field)))
    const etag = row['#etag']
    if (this.version === 'v4') return { '@odata.etag': etag, ...Object.fromEntries(shown) }
    const uri = `${this.url}/odata/${name}(${this.predicateOf(name, row)})`
    const { types } = this.tables[name]!
    const spelt = shown.map(([field, value]) => [field, spellV2(value, types[field])])
    return {
      __metadata: { uri, etag },
      ...Object.fromEntries(spelt),
      Related: { __deferred: { uri: `${uri}/Related` } },
    }
  }

  predicateOf(name: string, row: Row): string {
    const parts = Object.entries(this.tables[name]!.keys).map(([field, type]) => {
      const value = shown(row[field])
      if (type === 'string') return [field, `'${encodeURIComponent(value.replaceAll("'", "''"))}'`]
      return [field, this.version === 'v4' ? value : type === 'guid' ? `guid'${value}'` : `${value}L`]
    })
    return parts.length === 1 ? parts[0]![1]! : parts.map((pair) => pair.join('=')).join(',')
  }

  private write({ method, url, headers, body }: Sent): Answered {
    const match = /^(\w+)(?:\((.*)\))?$/.exec(decodeURIComponent(url.split('?')[0]!))
    const table = this.tables[match?.[1] ?? '']
    if (!match || !table) return this.refused(404, 'no such entity set')
    const name = match[1]!
    const values = body === '' ? {} : (parseExact(body) as Row)
    if (match[2] === undefined) {
      if (table.rows.some((row) => this.predicateOf(name, row) === this.predicateOf(name, values)))
        return this.refused(409, 'the key is taken')
      const row = { ...values }
      table.rows.push(row)
      this.touch(name, row)
      return this.written(name, row, 201)
    }
    const wanted = this.keyOf(table, match[2])
    const row = table.rows.find((one) => Object.entries(wanted).every(([field, value]) => shown(one[field]) === value))
    const condition = headers['if-match']
    if (!row) {
      if (condition !== undefined) return this.refused(condition === '*' ? 412 : 404, 'there is no such entity')
      if (method !== 'PATCH') return this.refused(404, 'there is no such entity')
      const made = { ...wanted, ...values }
      table.rows.push(made)
      this.touch(name, made)
      return this.written(name, made, 201)
    }
    if (condition !== undefined && condition !== '*' && condition !== row['#etag'])
      return this.refused(412, 'the entity was changed')
    if (method === 'DELETE') this.remove(name, row)
    else {
      Object.assign(row, values)
      this.touch(name, row)
    }
    return method === 'DELETE' || this.version === 'v2' ? { status: 204 } : this.written(name, row, 200)
  }

  private written(name: string, row: Row, status: number): Answered {
    const entity = this.entity(name, row)
    return { status, headers: { etag: String(row['#etag']) }, body: this.version === 'v4' ? entity : { d: entity } }
  }

  private keyOf({ keys, types }: Table, text: string): Record<string, string> {
    const names = Object.keys(keys)
    const pairs = [...text.matchAll(/(?:(\w+)=)?((?:guid|datetime)?'(?:[^']|'')*'|[^',]+)(?:,|$)/g)]
    return Object.fromEntries(
      pairs.map(([, name = names[0]!, value]) => [name, String(literalValue(value!, types[name]!, this.version))]),
    )
  }

  private batch(sent: Sent): Answered {
    const goOn = this.stubborn || this.version === 'v2' || /continue-on-error/.test(sent.headers.prefer ?? '')
    const json = sent.headers['content-type'] === 'application/json'
    const parts = json ? jsonParts(sent.body) : multipartParts(sent.body)
    const answers: (Answered & { id: string })[] = []
    for (const part of parts) {
      const answer = this.single(part)
      answers.push({ ...answer, id: part.id })
      if (answer.status >= 400 && !goOn) break
    }
    return json ? { status: 200, body: { responses: answers.toReversed() } } : multipartAnswer(answers)
  }
}

const key = (value: unknown, type: Type): string =>
  type === 'int64' ? shown(value).padStart(20, '0') : shown(value ?? '')

function spellV2(value: unknown, type: Type | undefined): unknown {
  if (value === null || value === undefined) return value
  if (type === 'datetime') return `/Date(${Date.parse(`${value}Z`)})/`
  if (type === 'datetimeoffset') return `/Date(${Date.parse(String(value))}+0000)/`
  return type === 'int64' ? shown(value) : value
}

function jsonParts(body: string): (Sent & { id: string })[] {
  const { requests } = parseExact(body) as unknown as {
    requests: (Omit<Sent, 'body'> & { id: string; body?: unknown })[]
  }
  return requests.map((one) => ({ ...one, body: one.body === undefined ? '' : JSON.stringify(one.body) }))
}

function multipartParts(body: string): (Sent & { id: string })[] {
  const found = body.matchAll(
    /Content-ID: (\d+)\r\n\r\n(\w+) (\S+) HTTP\/1\.1\r\n((?:[^\r]+\r\n)*)\r\n(.*)\r\n--changeset/g,
  )
  return [...found].map(([, id, method, url, head, content]) => ({
    id: id!,
    method: method!,
    url: url!,
    headers: Object.fromEntries(
      head!
        .split('\r\n')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    ),
    body: content!,
  }))
}

function multipartAnswer(answers: Answered[]): Answered {
  const parts = answers.map(({ status, headers = {}, body }) => {
    const http = [
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `HTTP/1.1 ${status} Whatever`,
      ...Object.entries({ 'Content-Type': 'application/json', ...headers }).map((pair) => pair.join(': ')),
      '',
      body === undefined ? '' : JSON.stringify(body),
    ].join('\r\n')
    // A change set that was done is answered by one, a refused one by a single answer in its place.
    return status < 400 ? `Content-Type: multipart/mixed; boundary=cs1\r\n\r\n--cs1\r\n${http}\r\n--cs1--\r\n` : http
  })
  const body = `${parts.map((part) => `--b1\r\n${part}\r\n`).join('')}--b1--\r\n`
  return { status: 202, headers: { 'content-type': 'multipart/mixed; boundary=b1' }, body }
}
