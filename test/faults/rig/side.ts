import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Mishap } from './target.ts'

export type Person = { id: string; email: string; updated_at: string; deleted: boolean; [field: string]: unknown }
export type Write = {
  n: number
  operation: 'create' | 'update' | 'delete'
  id: string
  values: Record<string, unknown>
}
export type SideCall = { method: string; path: string; body: string }

/** One of two systems that a two-way sync keeps the same: people edit it, the hub reads and writes it. */
export class Side {
  readonly name: string
  readonly url: string
  readonly people = new Map<string, Person>()
  /** What the hub wrote, in order: what a person would find in the audit log. */
  readonly writes: Write[] = []
  /** What people and the hub did, with the time. */
  readonly log: { at: string; by: string; id: string; values: Record<string, unknown> }[] = []
  /** Decides per call of the hub; looks at nothing but the call, so that a seed repeats. */
  mishap: (call: SideCall) => Mishap | undefined = () => undefined
  /** What the system makes of what somebody writes. */
  stores: (values: Record<string, unknown>) => Record<string, unknown> = (values) => values
  /** Records that a read of single ones leaves out although they are there. */
  hides: (row: Person) => boolean = () => false
  delayMs = 0
  pageSize = 100
  readonly #server: Server
  #ids = 0
  #clock = 0

  private constructor(name: string, server: Server) {
    this.name = name
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async start(name: string): Promise<Side> {
    const server = createServer({ keepAliveTimeout: 30_000 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new Side(name, server)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  /** Those who are there, by e-mail address, which nobody edits. */
  live(): Map<string, Person> {
    return new Map([...this.people.values()].filter(({ deleted }) => !deleted).map((row) => [row.email, row]))
  }

  /** Somebody makes or edits a record by hand. */
  edit(id: string | null, values: Record<string, unknown>, by = 'person'): Person {
    const own = id ?? `${this.name}${++this.#ids}`
    const before = this.people.get(own)
    const row = { ...before, ...this.stores(values), id: own, deleted: false, updated_at: this.#tick() } as Person
    this.log.push({ at: new Date().toISOString(), by: `${by} ${this.name}`, id: own, values })
    return this.#keep(row)
  }

  remove(id: string, by = 'person'): Person {
    this.log.push({ at: new Date().toISOString(), by: `${by} ${this.name}`, id, values: { deleted: true } })
    return this.#keep({ ...this.people.get(id)!, deleted: true, updated_at: this.#tick() })
  }

  /** In the order of their changes, which is the order of the map. */
  #keep(row: Person): Person {
    this.people.delete(row.id)
    this.people.set(row.id, row)
    return row
  }

  /** The time of day, and never the same twice. */
  #tick(): string {
    this.#clock = Math.max(this.#clock + 1, Date.now())
    return new Date(this.#clock).toISOString()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url!, this.url)
    const call = { method: request.method!, path: url.pathname, body: Buffer.concat(chunks).toString() }
    const mishap = this.mishap(call)
    if (mishap?.before) return mishap.before(response)
    if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs))
    const answer = this.#handle(call, url)
    if (mishap?.after) return mishap.after(response)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  }

  #handle({ method, path, body }: SideCall, { searchParams: query }: URL): { status: number; body: unknown } {
    const missing = { status: 404, body: { error: { message: 'no such person' } } }
    if (path === '/people' && method === 'GET') return { status: 200, body: this.#list(query) }
    if (path === '/people' && method === 'POST') {
      const values = JSON.parse(body) as Record<string, unknown>
      const { id } = this.edit(null, values, 'hub')
      this.#note('create', id, values)
      return { status: 201, body: { id } }
    }
    const id = /^\/people\/([^/]+)$/.exec(path)?.[1]
    const row = id === undefined ? undefined : this.people.get(id)
    if (!row || row.deleted) return missing
    if (method === 'GET') return { status: 200, body: row }
    if (method === 'DELETE') {
      this.remove(row.id, 'hub')
      this.#note('delete', row.id, {})
      return { status: 200, body: {} }
    }
    const values = JSON.parse(body) as Record<string, unknown>
    this.edit(row.id, values, 'hub')
    this.#note('update', row.id, values)
    return { status: 200, body: { id: row.id } }
  }

  #note(operation: Write['operation'], id: string, values: Record<string, unknown>): void {
    this.writes.push({ n: this.writes.length, operation, id, values })
  }

  #list(query: URLSearchParams): unknown {
    const [ids, emails, since] = [
      query.get('ids')?.split(','),
      query.get('emails')?.split(','),
      query.get('since') ?? '',
    ]
    const after = Number(query.get('after') ?? 0)
    const all = [...this.people.values()].filter(
      (row) =>
        (!ids || (ids.includes(row.id) && !row.deleted && !this.hides(row))) &&
        (!emails || (emails.includes(row.email) && !row.deleted)) &&
        row.updated_at >= since,
    )
    const next = after + this.pageSize < all.length ? String(after + this.pageSize) : null
    return { data: all.slice(after, after + this.pageSize), paging: { next } }
  }
}
