import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

type Body = Record<string, unknown>
type Contact = { id: string; rev: number; updated_at: string; name: string; mail: string }

const HOUR = 3_600_000
const BEGAN = Date.parse('2026-01-01T00:00:00Z')

/**
 * Many sources and as many targets behind one server, each call answered after the same time: `/source7/contacts` gives the
 * generations of records that were made so far, in pages; `/target7/customers` takes one record per call.
 */
export class Systems {
  readonly url: string
  readonly port: number
  readonly delayMs: number
  readonly pageSize: number
  /** Pages given. */
  pages = 0
  /** Records written, by the keys they carry; a second create of one key counts as doubled. */
  writes = 0
  doubled = 0
  /** Most calls that were under way at once since it was set to 0. */
  peak = 0
  readonly #server: Server
  readonly #generations: { prefix: string; count: number }[] = []
  readonly #written = new Map<string, Set<string>>()
  #active = 0

  private constructor(server: Server, options: { host: string; delayMs: number; pageSize: number }) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.url = `http://${options.host}:${this.port}`
    this.delayMs = options.delayMs
    this.pageSize = options.pageSize
    server.on('request', (request, response) => {
      this.#answer(request).then(
        (body) =>
          response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        () => response.destroy(),
      )
    })
  }

  static async start(options: { host: string; delayMs: number; pageSize: number }): Promise<Systems> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    await new Promise<void>((done) => server.listen(0, options.host, done))
    return new Systems(server, options)
  }

  /** From now on every source has so many records more. */
  grow(prefix: string, count: number): void {
    this.#generations.push({ prefix, count })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #answer(request: IncomingMessage): Promise<Body | null> {
    this.peak = Math.max(this.peak, ++this.#active)
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      await new Promise((done) => setTimeout(done, this.delayMs))
      const { pathname, searchParams } = new URL(request.url!, this.url)
      const [, system = '', path] = pathname.split('/')
      if (path === 'contacts') return this.#page(searchParams)
      if (path !== 'customers') return null
      const written = this.#written.get(system) ?? new Set<string>()
      this.#written.set(system, written)
      if (request.method === 'GET') return lookUp(written, searchParams.get('external_ids') ?? '')
      return this.#create(written, JSON.parse(Buffer.concat(chunks).toString()) as Body)
    } finally {
      this.#active--
    }
  }

  #page(query: URLSearchParams): Body {
    const [since, after] = [query.get('since') ?? '', Number(query.get('after') ?? 0)]
    const all = this.#generations.flatMap((generation, n) =>
      generationAt(n, 0) + HOUR > Date.parse(since || '1970') ? contactsOf(generation, n, since) : [],
    )
    this.pages++
    const end = after + this.pageSize
    return { data: all.slice(after, end), next: end < all.length ? String(end) : null }
  }

  #create(written: Set<string>, { external_id }: Body): Body {
    const key = String(external_id)
    if (written.has(key)) this.doubled++
    written.add(key)
    this.writes++
    return { id: `k-${key}` }
  }
}

const generationAt = (generation: number, record: number): number => BEGAN + generation * HOUR + record

const contactsOf = ({ prefix, count }: { prefix: string; count: number }, n: number, since: string): Contact[] =>
  Array.from({ length: count }, (_, i) => contact(`${prefix}-${i}`, new Date(generationAt(n, i)).toISOString())).filter(
    ({ updated_at }) => updated_at > since,
  )

/** A record as the sources give it, and as webhooks hold it. */
export function contact(id: string, updated_at: string): Contact {
  return { id, rev: 1, updated_at, name: `Person ${id}`, mail: `${id}@example.com` }
}

const lookUp = (written: ReadonlySet<string>, ids: string): Body => ({
  data: ids.split(',').flatMap((id) => (written.has(id) ? { id: `k-${id}`, external_id: id } : [])),
})

const CONNECTORS: Record<string, string> = {
  source: `language: 1
name: source
title: Source
description: One of many systems that are read, a call at a time.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
  secret: { type: text, secret: true, title: Secret, description: Of the webhooks }
base_url: \${ settings.url }
auth: { kind: none }
limits: { concurrent: 1, timeout_seconds: 30 }
webhooks:
  signature:
    kind: hmac
    secrets: ["\${ settings.secret }"]
    header: X-Signature
    prefix: sha256=
    signed: "\${ headers.\`x-timestamp\` }.\${ body }"
    timestamp: headers.\`x-timestamp\`
  event_id: event.id
  stream: '"contacts"'
  record: item.contact
streams:
  contacts:
    title: Contacts
    key: record.id
    version: { value: record.rev, type: number }
    read:
      path: /contacts
      query: { after: "\${ cursor }", since: "\${ since }" }
      records: response.data
      paging: { kind: cursor, next: response.next }
      incremental: { value: record.updated_at, format: iso, ordered: true }
`,
  target: `language: 1
name: target
title: Target
description: One of many systems that are written to, a record and a call at a time.
protocol: rest
settings:
  url: { type: url, required: true, title: Address, description: Where it listens }
base_url: \${ settings.url }
auth: { kind: none }
limits: { concurrent: 1, timeout_seconds: 30 }
streams:
  customers:
    title: Customers
    key: record.id
    lookup:
      external_id:
        path: /customers
        query: { external_ids: "\${ $join(values, ',') }" }
        records: response.data
        batch: 100
    write:
      create: { path: /customers, body: "\${ values }", id: response.id }
`,
}

/** The files of a hub with so many syncs, each between a source and a target of its own. */
export function hubFiles(syncs: number, { url, host }: { url: string; host: string }): Record<string, string> {
  const numbers = Array.from({ length: syncs }, (_, i) => i)
  const connections = numbers.map(
    (i) => `  source${i}:
    connector: source
    settings: { url: "${url}/source${i}" }
    secrets: { secret: "env:RIG_SECRET" }
    allow: ["${host}"]
  target${i}:
    connector: target
    settings: { url: "${url}/target${i}" }
    allow: ["${host}"]
`,
  )
  const mappings = numbers.map((i) => [
    `mappings/sync${i}.yaml`,
    `from: source${i}:contacts
to: target${i}:customers
match: [external_id]
mode: create-only
map: { external_id: id, name: name, mail: mail }
schedule: manual
`,
  ])
  const connectors = Object.entries(CONNECTORS).map(([name, text]) => [`connectors/${name}/connector.yaml`, text])
  return {
    'causeway.yaml': `connections:\n${connections.join('')}`,
    ...Object.fromEntries([...connectors, ...mappings]),
  }
}
