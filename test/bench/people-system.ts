/** A system of people behind HTTP, for programs that need a whole hub between two of them. It keeps what is written. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Row = { id: string; updated_at: string; [field: string]: unknown }
type Body = Record<string, unknown>

const PAGE = 500

/** How a hub talks to one: pages in the order of the last change, look-ups by e-mail, creates in batches. */
export const PEOPLE_CONNECTOR = `language: 1
name: people
title: People
description: Two systems that know the same people.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
base_url: \${ settings.url }
auth: { kind: none }
limits: { concurrent: 8, timeout_seconds: 60 }
streams:
  people:
    title: People
    key: record.id
    version: { value: record.updated_at }
    read:
      path: /people
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      page_size: ${PAGE}
      paging: { kind: cursor, next: response.next }
      incremental: { value: record.updated_at, format: iso }
    fetch: { method: POST, path: /people/find, body: { field: id, values: "\${ [ids] }" }, records: response.data, batch: 200 }
    lookup:
      email: { method: POST, path: /people/find, body: { field: email, values: "\${ [values] }" }, records: response.data, batch: 200 }
    write:
      create:
        batch: { size: 100, path: /people/batch, body: { items: "\${ items }" }, results: response.results, id: result.id }
      update: { method: PATCH, path: "/people/\${ id }", body: "\${ values }", partial: true }
      delete: { path: "/people/\${ id }" }
`

export class PeopleSystem {
  readonly name: string
  readonly url: string
  readonly rows = new Map<string, Row>()
  /** What the hub wrote. */
  readonly writes = { created: [] as string[], updated: [] as string[], deleted: [] as string[] }
  readonly #server: Server
  #clock = Date.now()
  #ids = 0

  private constructor(name: string, server: Server) {
    this.name = name
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#handle(request).then(
        (answer) =>
          response
            .writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
            .end(JSON.stringify(answer ?? {})),
        () => response.destroy(),
      )
    })
  }

  static async start(name: string): Promise<PeopleSystem> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new PeopleSystem(name, server)
  }

  put(id: string, values: Body): void {
    this.rows.delete(id)
    this.rows.set(id, { ...values, id, updated_at: new Date(++this.#clock).toISOString() })
  }

  get written(): number {
    const { created, updated, deleted } = this.writes
    return created.length + updated.length + deleted.length
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #handle(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const body = text ? (JSON.parse(text) as Body) : {}
    const { pathname, searchParams } = new URL(request.url!, this.url)
    const id = decodeURIComponent(pathname.split('/')[2] ?? '')
    if (pathname === '/people') return this.#page(searchParams)
    if (pathname === '/people/find') return this.#find(String(body.field), body.values as string[])
    if (pathname === '/people/batch') return { results: (body.items as Body[]).map((item) => this.#create(item)) }
    const row = this.rows.get(id)
    if (!row) return null
    if (request.method === 'DELETE') {
      this.rows.delete(id)
      this.writes.deleted.push(id)
      return {}
    }
    this.put(id, { ...row, ...body })
    this.writes.updated.push(id)
    return { id }
  }

  #page(query: URLSearchParams): unknown {
    const [since, from] = [query.get('since') ?? '', Number(query.get('after') ?? 0)]
    const all = [...this.rows.values()].filter((row) => row.updated_at >= since)
    return { data: all.slice(from, from + PAGE), next: from + PAGE < all.length ? String(from + PAGE) : null }
  }

  #find(field: string, values: readonly string[]): unknown {
    if (field === 'id') return { data: values.flatMap((id) => this.rows.get(id) ?? []) }
    const wanted = new Set(values)
    return { data: [...this.rows.values()].filter((row) => wanted.has(String(row[field]))) }
  }

  #create(values: Body): { id: string } {
    const id = `${this.name}-new-${++this.#ids}`
    this.put(id, values)
    this.writes.created.push(id)
    return { id }
  }
}
