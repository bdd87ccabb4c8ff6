import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export type Contact = { id: string; updated_at: string; [field: string]: unknown }
/** Takes what is to be done when a test, or a file of them, is over. */
export type AtEnd = (close: () => Promise<void>) => void
export type Customer = { id: string; external_id: string; [field: string]: unknown }

/**
 * A small CRM to read from and a small ERP to write to, on one real socket. The ERP keeps a journal of every effect, which is
 * what a person would find in its audit log: the tests compare journal and source, never what the hub says of itself.
 */
export class Peer {
  url = ''
  readonly contacts = new Map<string, Contact>()
  /** Raw JSON of contacts by id, where the spelling matters. */
  readonly rawContacts = new Map<string, string>()
  readonly customers = new Map<string, Customer>()
  readonly journal: { operation: 'create' | 'update'; id: string; externalId: string; raw: string }[] = []
  readonly calls: string[] = []
  /** The `traceparent` of each call. */
  readonly traceparents: (string | undefined)[] = []
  /** Answers instead of the normal one, or undefined. `applied` tells whether the effect had happened. */
  intercept: (call: { method: string; path: string; body: string }) => Interception | undefined = () => undefined
  refuse: (item: Record<string, unknown>) => string | undefined = () => undefined
  delayMs = 0
  pageSize = 100
  #clock = Date.parse('2026-01-01T00:00:00Z')
  #ids = 0

  static async start(atEnd: AtEnd = onTestFinished): Promise<Peer> {
    const peer = new Peer()
    const server = createServer((request, response) => void peer.#answer(request, response))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    peer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    atEnd(async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    })
    return peer
  }

  put(id: string, fields: Record<string, unknown>): void {
    this.#clock += 1_000
    this.contacts.set(id, { id, updated_at: new Date(this.#clock).toISOString(), ...fields })
  }

  fill(count: number): void {
    for (let i = 0; i < count; i++) this.put(`c${i}`, { name: `Person ${i}`, email: `p${i}@example.test` })
  }

  duplicates(): string[] {
    const created = this.journal.filter(({ operation }) => operation === 'create').map(({ externalId }) => externalId)
    return created.filter((id, i) => created.indexOf(id) !== i)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const url = new URL(request.url!, this.url)
    this.calls.push(`${request.method} ${url.pathname}`)
    this.traceparents.push(request.headers.traceparent as string | undefined)
    if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs))
    const interception = this.intercept({ method: request.method!, path: url.pathname, body })
    if (interception?.before) return interception.before(response)
    const answer = this.#handle(request.method!, url, body)
    if (interception?.after) return interception.after(response)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  }

  #handle(method: string, url: URL, body: string): { status: number; body: string } {
    if (url.pathname === '/contacts') return { status: 200, body: this.#page(url) }
    if (url.pathname === '/customers' && method === 'GET') return { status: 200, body: this.#find(url) }
    const one = /^\/customers\/(.+)$/.exec(url.pathname)?.[1]
    if (method === 'POST' && one === 'batch') return { status: 200, body: this.#create(body) }
    if (method === 'PATCH' && one) return this.#update(one, body)
    return { status: 404, body: '{"error":{"message":"no such address"}}' }
  }

  #page(url: URL): string {
    const since = url.searchParams.get('since') ?? ''
    const all = [...this.contacts.values()]
      .filter((row) => row.updated_at >= since)
      .sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1))
    const at = Number(url.searchParams.get('after') ?? 0)
    const rows = all.slice(at, at + this.pageSize).map((row) => this.rawContacts.get(row.id) ?? JSON.stringify(row))
    const next = at + this.pageSize < all.length ? `"${at + this.pageSize}"` : 'null'
    return `{"data":[${rows.join(',')}],"paging":{"next":${next}}}`
  }

  #find(url: URL): string {
    const wanted = (url.searchParams.get('external_ids') ?? '').split(',')
    return JSON.stringify({ data: [...this.customers.values()].filter((row) => wanted.includes(row.external_id)) })
  }

  #create(body: string): string {
    const { items } = JSON.parse(body) as { items: Record<string, unknown>[] }
    const raw = rawItems(body)
    const results = items.map((item, i) => {
      const reason = this.refuse(item)
      if (reason !== undefined) return { status: 'error', message: reason }
      const id = `k${++this.#ids}`
      const externalId = String(item.external_id)
      this.customers.set(id, { ...item, id, external_id: externalId })
      this.journal.push({ operation: 'create', id, externalId, raw: raw[i]! })
      return { status: 'ok', id }
    })
    return JSON.stringify({ results })
  }

  #update(id: string, body: string): { status: number; body: string } {
    const row = this.customers.get(id)
    if (!row) return { status: 404, body: '{"error":{"message":"no such customer"}}' }
    const changes = JSON.parse(body) as Record<string, unknown>
    const reason = this.refuse({ ...row, ...changes })
    if (reason !== undefined) return { status: 422, body: JSON.stringify({ error: { message: reason } }) }
    this.customers.set(id, { ...row, ...changes, id, external_id: row.external_id })
    this.journal.push({ operation: 'update', id, externalId: row.external_id, raw: body })
    return { status: 200, body: JSON.stringify(this.customers.get(id)) }
  }
}

type Interception = { before?: (response: ServerResponse) => void; after?: (response: ServerResponse) => void }

/** The items of `{"items":[{…},{…}]}` as they were spelled. */
function rawItems(body: string): string[] {
  const items: string[] = []
  let depth = 0
  let start = 0
  let inString = false
  for (let i = body.indexOf('[') + 1; i < body.length; i++) {
    const char = body[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{' && depth++ === 0) start = i
    else if (char === '}' && --depth === 0) items.push(body.slice(start, i + 1))
    else if (char === ']' && depth === 0) break
  }
  return items
}

export const CONNECTOR = `language: 1
name: peer
title: Peer
description: The CRM and the ERP of the end-to-end tests.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where the peer is }
  token: { type: text, secret: true, title: Token, description: Any text }
base_url: \${ settings.url }
auth: { kind: bearer, token: "\${ settings.token }" }
limits: { concurrent: 4, timeout_seconds: 5 }
errors: { message: response.error.message }
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.updated_at, type: timestamp }
    read:
      path: /contacts
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      page_size: 100
      paging: { kind: cursor, next: response.paging.next }
      incremental: { value: record.updated_at, format: iso }
  customers:
    title: Customers
    key: record.id
    lookup:
      external_id:
        path: /customers
        query: { external_ids: "\${ $join(values, ',') }" }
        records: response.data
        batch: 50
    write:
      create:
        batch:
          size: 100
          path: /customers/batch
          item: \${ values }
          body: { items: "\${ items }" }
          results: response.results
          failed: result.status = "error"
          message: result.message
          id: result.id
      update: { method: PATCH, path: "/customers/\${ id }", body: "\${ values }", partial: true }
`

export const MAPPING = `from: peer:contacts
to: peer:customers
match: [external_id]
map:
  external_id: id
  name: name
  mail: $lowercase(email)
retry: { attempts: 3, base: 1s, cap: 5s }
schedule: manual
`
