import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { CANARY_PERSON } from '../../canary-words.ts'

export type Contact = { id: string; rev: number; updated_at: string; [field: string]: unknown }
export type SourceCall = { n: number; path: string; authorization: string; after: number; since: string }
type Mishap = (response: ServerResponse) => void | Promise<void>

/** The system that is read from: records in the order of their changes, in pages. */
export class SourceStub {
  readonly url: string
  readonly contacts = new Map<string, Contact>()
  readonly calls: SourceCall[] = []
  pageSize = 50
  delayMs = 0
  mishap: (call: SourceCall) => Mishap | undefined = () => undefined
  readonly #server: Server
  #clock = Date.parse('2026-01-01T00:00:00Z')

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async start(): Promise<SourceStub> {
    const server = createServer({ keepAliveTimeout: 30_000 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new SourceStub(server)
  }

  /** Creates a record or makes its next revision. */
  put(id: string, fields: Record<string, unknown> = {}): Contact {
    this.#clock += 1_000
    const before = this.contacts.get(id)
    const updated_at = new Date(this.#clock).toISOString()
    const contact = {
      name: `Person ${id}`,
      ...CANARY_PERSON,
      ...before,
      ...fields,
      id,
      rev: (before?.rev ?? 0) + 1,
      updated_at,
    }
    this.contacts.delete(id)
    this.contacts.set(id, contact)
    return contact
  }

  fill(count: number, prefix = 'c'): void {
    for (let i = 0; i < count; i++) this.put(`${prefix}${i}`)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    const url = new URL(request.url!, this.url)
    const after = Number(url.searchParams.get('after') ?? 0)
    const since = url.searchParams.get('since') ?? ''
    const call = {
      n: this.calls.length,
      path: url.pathname,
      authorization: request.headers.authorization ?? '',
      after,
      since,
    }
    this.calls.push(call)
    if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs))
    const mishap = this.mishap(call)
    if (mishap) return mishap(response)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.#page(after, since)))
  }

  #page(after: number, since: string): unknown {
    const all = [...this.contacts.values()].filter(({ updated_at }) => updated_at >= since)
    const next = after + this.pageSize < all.length ? String(after + this.pageSize) : null
    return { data: all.slice(after, after + this.pageSize), paging: { next } }
  }
}
