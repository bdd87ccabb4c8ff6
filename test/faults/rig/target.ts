import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Journal } from './journal.ts'

export type Customer = { id: string; external_id: string; rev: number; [field: string]: unknown }
export type TargetCall = { n: number; at: number; method: string; path: string; body: string; remotePort: number }
/**
 * What goes wrong with one call. `before`: instead of the effect. `after`: the effect is in the journal, and this answers in
 * place of the stub. `answered`: the answer is on the wire.
 */
export type Mishap = {
  before?: (response: ServerResponse) => void | Promise<void>
  after?: (response: ServerResponse) => void | Promise<void>
  answered?: () => void
}

/** The system that is written to. Its journal and its records are what the campaign believes, never the hub's word. */
export class TargetStub {
  readonly url: string
  readonly port: number
  readonly journal: Journal
  readonly customers = new Map<string, Customer>()
  readonly calls: TargetCall[] = []
  /** Decides per call; looks at nothing but the call, so that a seed repeats. */
  mishap: (call: TargetCall) => Mishap | undefined = () => undefined
  /** Why an item is refused, or undefined. */
  refuse: (item: Record<string, unknown>) => string | undefined = () => undefined
  delayMs = 0
  readonly #server: Server
  #ids = 0

  private constructor(server: Server, journal: Journal) {
    this.#server = server
    this.journal = journal
    this.port = (server.address() as { port: number }).port
    this.url = `http://127.0.0.1:${this.port}`
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async start(journalFile: string): Promise<TargetStub> {
    const server = createServer({ keepAliveTimeout: 30_000 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new TargetStub(server, await Journal.open(journalFile))
  }

  get creates(): number {
    return this.journal.effects.filter(({ operation }) => operation === 'create').length
  }

  find(externalId: string): Customer | undefined {
    return [...this.customers.values()].find((row) => row.external_id === externalId)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
    await this.journal.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const remotePort = request.socket.remotePort ?? 0
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const url = new URL(request.url!, this.url)
    const call = { n: this.calls.length, at: Date.now(), method: request.method!, path: url.pathname, body, remotePort }
    this.calls.push(call)
    const mishap = this.mishap(call)
    if (mishap?.before) return mishap.before(response)
    if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs))
    const answer = this.#handle(call, url)
    await this.journal.synced()
    if (mishap?.after) return mishap.after(response)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body), () => mishap?.answered?.())
  }

  #handle({ method, path, body }: TargetCall, url: URL): { status: number; body: unknown } {
    if (path === '/customers' && method === 'GET') return { status: 200, body: { data: this.#lookUp(url) } }
    if (path === '/customers' && method === 'POST') {
      const item = JSON.parse(body) as Record<string, unknown>
      const reason = this.refuse(item)
      return reason === undefined
        ? { status: 201, body: this.#create(item) }
        : { status: 422, body: { error: { message: reason } } }
    }
    if (path === '/customers/batch' && method === 'POST') return { status: 200, body: { results: this.#batch(body) } }
    const id = /^\/customers\/([^/]+)$/.exec(path)?.[1]
    if (id && method === 'PATCH') return this.#update(id, body)
    return { status: 404, body: { error: { message: 'no such address' } } }
  }

  #lookUp(url: URL): Customer[] {
    const wanted = new Set((url.searchParams.get('external_ids') ?? '').split(','))
    return [...this.customers.values()].filter((row) => wanted.has(row.external_id))
  }

  #batch(body: string): unknown[] {
    const { items } = JSON.parse(body) as { items: Record<string, unknown>[] }
    return items.map((item) => {
      const reason = this.refuse(item)
      return reason === undefined ? { status: 'ok', id: this.#create(item).id } : { status: 'error', message: reason }
    })
  }

  #create(item: Record<string, unknown>): Customer {
    const id = `k${++this.#ids}`
    const row = { ...item, id, external_id: String(item.external_id), rev: Number(item.rev) }
    this.customers.set(id, row)
    this.journal.note({ operation: 'create', id, externalId: row.external_id, rev: row.rev })
    return row
  }

  #update(id: string, body: string): { status: number; body: unknown } {
    const row = this.customers.get(id)
    if (!row) return { status: 404, body: { error: { message: 'no such customer' } } }
    const changed = { ...row, ...(JSON.parse(body) as object), id, external_id: row.external_id }
    const reason = this.refuse(changed)
    if (reason !== undefined) return { status: 422, body: { error: { message: reason } } }
    this.customers.set(id, changed)
    this.journal.note({ operation: 'update', id, externalId: row.external_id, rev: Number(changed.rev) })
    return { status: 200, body: changed }
  }
}
