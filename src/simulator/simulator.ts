/** A vendor's API on a real socket, as its description says it behaves. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { behave, type World } from './behaviours.ts'
import { Credentials } from './credentials.ts'
import type { Description, Reply, Route } from './description.ts'
import { Expressions, type Names } from './expressions.ts'
import { type Fault, Faults } from './faults.ts'
import { checkParameters } from './parameters.ts'
import type { Item } from './paths.ts'
import { Refusal } from './problem.ts'
import { Buckets } from './quota.ts'
import { type Call, readCall } from './request.ts'
import { Routes } from './routes.ts'
import { Table } from './table.ts'
import { fill } from './template.ts'
import { handshakeOf, type SignedEvent, signedEvent } from './webhooks.ts'

/** One request that was served. `alien`: what in it the vendor does not know. */
export type Served = {
  method: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string | string[] | undefined>
  body: unknown
  route: string | null
  status: number
  answer: unknown
  alien: string | null
}

type Answer = { status: number; headers: Record<string, string>; body: Buffer }

export class Simulator {
  readonly served: Served[] = []
  readonly faults = new Faults()
  readonly secrets: Record<string, string> = {}
  readonly description: Description
  readonly credentials: Credentials
  private readonly expressions: Expressions
  private readonly routes: Routes
  private readonly buckets: Buckets
  private readonly world: World
  private readonly server: Server
  private readonly replays = new Map<string, Answer>()
  private underWay = 0
  /** The most requests that were under way at once. */
  mostAtOnce = 0

  constructor(description: Description) {
    this.description = description
    this.expressions = new Expressions(description.define)
    this.routes = new Routes(description.routes)
    this.credentials = new Credentials(description, this.expressions)
    this.buckets = new Buckets(description.quota)
    const tables = new Map(
      Object.entries(description.collections).map(([name, collection]) => [
        name,
        new Table(name, collection, this.expressions),
      ]),
    )
    this.world = { description, tables, expressions: this.expressions, now: () => Date.now() }
    this.server = createServer((request, response) => void this.serve(request, response))
    // Kept-alive sockets of a finished client would hold the test back.
    this.server.keepAliveTimeout = 2_000
  }

  /** Makes the records and listens on a free port of this machine. */
  async start(): Promise<void> {
    await this.expressions.prepare()
    for (const [name, template] of Object.entries(this.description.secrets))
      this.secrets[name] = String(
        await fill(template, { canary: `canary-${name}-${randomBytes(9).toString('hex')}` }, this.expressions),
      )
    const now = Date.now()
    for (const table of this.world.tables.values()) await table.populate(now)
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The settings of a connection to this installation. */
  async settings(): Promise<Item> {
    return (await fill(this.description.settings, this.names(), this.expressions)) as Item
  }

  table(name: string): Table {
    const table = this.world.tables.get(name)
    if (!table) throw new Error(`The description has no collection "${name}".`)
    return table
  }

  /** Values of a template of the description that sees the state. */
  async filled(template: unknown, names: Names): Promise<unknown> {
    return fill(template, { ...this.names(), ...names }, this.expressions)
  }

  /** Somebody changes records in the system itself. */
  async change(collection: string, ids: string[]): Promise<void> {
    for (const id of ids) await this.table(collection).touch(this.table(collection).find(id)!, Date.now())
  }

  /** Somebody deletes records in the system itself. */
  async remove(collection: string, ids: string[]): Promise<void> {
    for (const id of ids) await this.table(collection).remove(this.table(collection).find(id)!, Date.now())
  }

  /** An event as the vendor would send it; null where the description has none of that kind. */
  async event(
    stream: string,
    what: 'created' | 'updated' | 'deleted',
    record: Item,
    at: number,
  ): Promise<SignedEvent | null> {
    return signedEvent(this.description, stream, what, { ...this.names(), record }, at, this.expressions)
  }

  /** The vendor's check of a webhook's address, and the answer it waits for. */
  handshake(at: number): Promise<{ request: SignedEvent; answer: string } | null> {
    return handshakeOf(this.description, this.names(), at, this.expressions)
  }

  private names(): Names {
    const state = Object.fromEntries(
      [...this.world.tables].map(([name, table]) => [name, table.present.map(({ record }) => record)]),
    )
    return {
      origin: this.server.listening ? this.origin : '',
      secrets: this.secrets,
      state,
      now: new Date().toISOString(),
    }
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay)
    response.on('close', () => this.underWay--)
    try {
      const call = await readCall(request, this.origin)
      const { answer, fault } = await this.answer(call)
      await send(response, answer, fault)
    } catch (error) {
      // A broken description: say so where the author looks, which is the report on the request.
      this.served.push({ ...blank(request), alien: `the description failed: ${(error as Error).message}` })
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`simulator: ${(error as Error).message}`)
    }
  }

  private async answer(call: Call): Promise<{ answer: Answer; fault: Fault | null }> {
    const names: Names = {
      ...this.names(),
      method: call.method,
      query: call.query,
      headers: call.headers,
      body: call.body,
      url: call.url.href,
    }
    const taken = await this.routes.take(call.method, call.path, names, this.expressions)
    const write = call.method !== 'GET' && taken !== null && writes(taken.route)
    const fault = taken && this.faults.take({ method: call.method, path: call.path, route: taken.key, write })
    if (fault?.kind === 'expire') this.credentials.expire()
    const served: Served = {
      method: call.method,
      path: call.path,
      query: call.query,
      headers: call.headers,
      body: call.body,
      route: taken?.key ?? null,
      status: 0,
      answer: undefined,
      alien: null,
    }
    this.served.push(served)
    const scope = { ...names, path: taken?.params ?? {} }
    let reply: { reply: Reply; status: number; names: Names; fallback?: unknown }
    try {
      if (fault?.kind === 'down') throw new Refusal('down', { reason: 'injected' })
      if (fault?.kind === 'throttled') throw new Refusal('throttled', { reason: 'injected', value: fault.ms ?? 0 })
      if (fault?.kind === 'html') return { answer: HTML, fault }
      const key = await this.replayKey(call, names)
      const before = key === null ? undefined : this.replays.get(key)
      if (before) {
        served.status = before.status
        return { answer: before, fault }
      }
      if (!taken) throw this.unknownRoute(call)
      reply = await this.act(call, taken.route, scope)
      const answer = await this.render(reply, served)
      if (key !== null) this.replays.set(key, answer)
      return { answer, fault }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.alien) served.alien = error.message
      return { answer: await this.refuse(error, scope, served), fault }
    }
  }

  private async act(call: Call, route: Route, scope: Names) {
    this.buckets.count(call, scope)
    if (!route.open && !route.token) await this.credentials.check(call, scope, Date.now())
    await checkParameters(route, call, this.description.ignores)
    if (route.token) {
      const given = await this.credentials.give(route, scope, Date.now())
      return { reply: route, status: 200, names: { ...scope, ...given } }
    }
    const done = await behave({ world: this.world, behaviour: route, names: scope, url: call.url, form: call.form })
    return {
      reply: route,
      status: done.status,
      names: { ...scope, ...this.names(), ...done.names, path: scope.path },
      fallback: done.answer,
    }
  }

  private async replayKey(call: Call, names: Names): Promise<string | null> {
    const { idempotency } = this.description
    if (!idempotency || call.method === 'GET') return null
    const key = await this.expressions.evaluate(idempotency.key, names)
    return key === undefined ? null : `${call.method} ${call.path} ${String(key)}`
  }

  private unknownRoute(call: Call): Refusal {
    const methods = this.routes.methodsOf(call.path)
    const message = methods.length
      ? `${call.method} ${call.path} is not a call of the API with this method, query or body (known: ${methods.join(', ')})`
      : `${call.method} ${call.path} is not a path of the API`
    return new Refusal('unknown_route', { reason: 'route', message }, true)
  }

  private async refuse(refusal: Refusal, scope: Names, served: Served): Promise<Answer> {
    const { errors } = this.description
    const reply = errors[refusal.kind] ?? errors[NEXT_OF[refusal.kind] ?? 'invalid'] ?? errors.invalid!
    const wait = refusal.kind === 'throttled' ? Math.ceil(Number(refusal.detail.value ?? 0) / 1000) : undefined
    const problem = { ...refusal.detail, kind: refusal.kind }
    return this.render({ reply, status: STATUS_OF[refusal.kind], names: { ...scope, problem, wait } }, served)
  }

  private async render(
    { reply, status, names, fallback }: { reply: Reply; status: number; names: Names; fallback?: unknown },
    served: Served,
  ): Promise<Answer> {
    const code = reply.status === undefined ? status : Number(await fill(reply.status, names, this.expressions))
    const value = reply.answer === undefined ? fallback : await fill(reply.answer, names, this.expressions)
    const headers = { ...this.description.headers, ...reply.headers }
    const sent: Record<string, string> = {}
    for (const [name, template] of Object.entries(headers)) {
      const filled = await fill(template, names, this.expressions)
      if (filled !== undefined && filled !== null) sent[name.toLowerCase()] = String(filled)
    }
    Object.assign(sent, await this.buckets.headers(names, this.expressions))
    Object.assign(served, { status: code, answer: value })
    const type =
      reply.type ?? (typeof value === 'string' && reply.answer !== undefined ? 'text/plain' : 'application/json')
    const empty = value === undefined || code === 204
    const body = empty ? '' : type.includes('json') ? JSON.stringify(value) : String(value)
    return { status: code, headers: { ...(empty ? {} : { 'content-type': type }), ...sent }, body: Buffer.from(body) }
  }
}

const writes = (route: Route): boolean =>
  ['create', 'update', 'upsert', 'delete'].some((kind) => kind in route || kind in (route.each ?? {}))

const STATUS_OF: Record<Refusal['kind'], number> = {
  unauthorized: 401,
  unknown_route: 404,
  not_found: 404,
  invalid: 400,
  duplicate: 409,
  conflict: 412,
  too_many: 400,
  expired: 410,
  throttled: 429,
  down: 500,
}
const NEXT_OF: Partial<Record<Refusal['kind'], Refusal['kind']>> = { unknown_route: 'not_found' }

const HTML: Answer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<!doctype html><title>Maintenance</title><p>Back soon.'),
}

const blank = (request: IncomingMessage): Served => ({
  method: request.method ?? '',
  path: request.url ?? '',
  query: {},
  headers: {},
  body: undefined,
  route: null,
  status: 500,
  answer: undefined,
  alien: null,
})

async function send(response: ServerResponse, { status, headers, body }: Answer, fault: Fault | null): Promise<void> {
  if (fault?.kind === 'lost') {
    response.socket?.destroy()
    return
  }
  if (fault?.kind === 'slow') await new Promise((done) => setTimeout(done, fault.ms ?? 50))
  response.writeHead(status, { ...headers, 'content-length': String(body.length) })
  if (fault?.kind !== 'cut') {
    response.end(body)
    return
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy())
}
