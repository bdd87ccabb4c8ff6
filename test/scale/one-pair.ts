import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

type Body = Record<string, unknown>
export type Person = { id: string; rev: number; name: string; mail: string; phone: string; city: string }

const PAGE = 500

/** A source that says whatever it is told to say next, and a target that takes a hundred records a call; neither takes any time. */
export class Pair {
  readonly url: string
  /** What the next pull reads. */
  said: Person[] = []
  created = 0
  updated = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#answer(request).then(
        (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        () => response.destroy(),
      )
    })
  }

  static async start(): Promise<Pair> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new Pair(server)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #answer(request: IncomingMessage): Promise<Body> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { pathname, searchParams } = new URL(request.url!, this.url)
    if (pathname === '/people') {
      const after = Number(searchParams.get('after') ?? 0)
      const next = after + PAGE < this.said.length ? String(after + PAGE) : null
      return { data: this.said.slice(after, after + PAGE), next }
    }
    const { items = [] } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { items?: Body[] }
    if (pathname === '/find') return { data: [] }
    if (request.method === 'PATCH') this.updated += items.length
    else this.created += items.length
    return { results: items.map((item) => ({ id: item.id ?? targetId(String(item.external_id)) })) }
  }
}

/** What the target calls the record of a source record. */
export const targetId = (id: string): string => `t-${id}`

export const person = (n: number, rev: number): Person => ({
  id: `p${n}`,
  rev,
  name: `Person ${n} of revision ${rev}`,
  mail: `person${n}@example.com`,
  phone: `+48 600 ${n}`,
  city: 'Kraków',
})

const CONNECTOR = `language: 1
name: pair
title: Pair
description: One source and one target.
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
    version: { value: record.rev, type: number }
    read:
      path: /people
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      page_size: ${PAGE}
      paging: { kind: cursor, next: response.next }
      incremental: { value: record.rev, format: epoch }
  customers:
    title: Customers
    key: record.id
    lookup:
      external_id: { method: POST, path: /find, body: { values: "\${ [values] }" }, records: response.data, batch: 100 }
    write:
      create:
        batch: { size: 100, path: /customers, body: { items: "\${ items }" }, results: response.results, id: result.id }
      update:
        batch: { size: 100, method: PATCH, path: /customers, item: "\${ $merge([values, {'id': id}]) }", body: { items: "\${ items }" }, results: response.results, id: result.id }
`

/** The files of a hub with one sync from the source to the target. */
export const pairFiles = (url: string): Record<string, string> => ({
  'causeway.yaml': `connections:
  pair:
    connector: pair
    settings: { url: "${url}" }
    allow: [127.0.0.1]
`,
  'connectors/pair/connector.yaml': CONNECTOR,
  'mappings/people.yaml': `from: pair:people
to: pair:customers
match: [external_id]
map: { external_id: id, name: name, mail: mail, phone: phone, city: city }
schedule: manual
`,
})

/** The body as the log keeps it, and the values as a delivery keeps them, of the record n in the variable of that name in SQL. */
export const SQL_OF = {
  id: `'p' || n`,
  body: `'{"id":"p' || n || '","rev":1,"name":"Person ' || n || ' of revision 1","mail":"person' || n || '@example.com","phone":"+48 600 ' || n || '","city":"Kraków"}'`,
  delivered: `'{"external_id":"p' || n || '","name":"Person ' || n || ' of revision 1","mail":"person' || n || '@example.com","phone":"+48 600 ' || n || '","city":"Kraków"}'`,
}
