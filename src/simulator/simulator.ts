/** A vendor's API on a real socket, as its description says it behaves. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, type Answering, Answers, HTML, send } from './answers.ts'
import { behave } from './behaviours.ts'
import { callOf, callsOf } from './calls.ts'
import type { Description, Resolver, Route } from './description.ts'
import type { Names } from './expressions.ts'
import type { Fault } from './faults.ts'
import { answerGraphql } from './graphql.ts'
import { Installation, type Served } from './installation.ts'
import { checkParameters } from './parameters.ts'
import { type Item, isItem } from './paths.ts'
import { Refusal } from './problem.ts'
import { Buckets } from './quota.ts'
import { type Call, readCall } from './request.ts'
import { Routes, type Taken } from './routes.ts'
import { checkRefusals } from './sessions.ts'
import { heard } from './speech.ts'
import { fill } from './template.ts'
import { startCalls } from './write-jobs.ts'

export class Simulator extends Installation {
  private readonly routes: Routes
  private readonly buckets: Buckets
  private readonly answers: Answers
  private readonly server: Server
  private readonly replays = new Map<string, Answer>()
  private underWay = 0

  constructor(description: Description) {
    super(description)
    this.routes = new Routes(description.routes)
    this.buckets = new Buckets(description.quota)
    this.answers = new Answers(description, this.expressions, this.buckets)
    this.server = createServer((request, response) => void this.serve(request, response))
    // Kept-alive sockets of a finished client would hold the test back.
    this.server.keepAliveTimeout = 2_000
  }

  /** Listens on a free port of this machine. */
  protected open(): Promise<void> {
    return new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  protected get place(): Item {
    return { origin: this.server.listening ? this.origin : '' }
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay)
    response.on('close', () => this.underWay--)
    try {
      const call = heard(await readCall(request, this.origin), this.description.speaks)
      const { answer, fault } = await this.answer(call)
      await send(response, answer, fault)
    } catch (error) {
      // A broken description: say so where the author looks, which is the report on the request.
      this.served.push({ ...blank(request), alien: `the description failed: ${(error as Error).message}` })
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`simulator: ${(error as Error).message}`)
    }
  }

  private async answer(call: Call): Promise<{ answer: Answer; fault: Fault | null }> {
    const names = this.namesOf(call)
    const taken = await this.routes.take(call.method, call.path, names, this.expressions)
    const write = call.method !== 'GET' && taken !== null && writes(taken.route) && !isQuery(taken.route, call)
    const fault = taken && this.faults.take({ method: call.method, path: call.path, route: taken.key, write })
    if (fault?.kind === 'expire') this.credentials.expire()
    const served = this.note(call, taken)
    const scope = { ...names, path: taken?.params ?? {} }
    let reply: Answering
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
      if (call.unread) throw call.unread
      if (!taken) throw this.unknownRoute(call)
      reply = await this.act(call, taken.route, scope, fault)
      const answer = await this.answers.render(reply)
      served.status = answer.status
      if (key !== null) this.replays.set(key, answer)
      return { answer, fault }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.alien) served.alien = error.message
      const answer = await this.answers.refuse(error, scope)
      served.status = answer.status
      return { answer, fault }
    }
  }

  private namesOf(call: Call): Names {
    const { method, query, headers, body, url, said } = call
    return { ...this.names(), method, query, headers, ...said, body, url: url.href }
  }

  private note({ method, path, query, headers, body }: Call, taken: Taken | null): Served {
    const served = { method, path, query, headers, body, route: taken?.key ?? null, status: 0, alien: null }
    this.served.push(served)
    return served
  }

  /** What a request in the body of another is answered. */
  private async answerInner(call: Call): Promise<Answer> {
    const names = this.namesOf(call)
    const taken = await this.routes.take(call.method, call.path, names, this.expressions)
    const served = this.note(call, taken)
    const scope = { ...names, path: taken?.params ?? {} }
    try {
      if (!taken) throw this.unknownRoute(call)
      const answer = await this.answers.render(await this.act(call, taken.route, scope))
      served.status = answer.status
      return answer
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.alien) served.alien = error.message
      return this.answers.refuse(error, scope)
    }
  }

  /** Answers of the requests in a body, in their order; where it stops at a refusal, the rest has none. */
  private async answerCalls(call: Call, { calls, stops }: Route, scope: Names): Promise<Item[]> {
    const stop = stops !== undefined && (await this.expressions.evaluate(stops, scope)) === true
    const answers: Item[] = []
    for (const inner of callsOf(await this.expressions.evaluate(calls!, scope))) {
      const { status, headers, value } = await this.answerInner(callOf(inner, call))
      answers.push({ ...inner, status, headers, body: status === 204 ? undefined : value })
      if (stop && status >= 400) break
    }
    return answers
  }

  private async act(call: Call, route: Route, scope: Names, fault: Fault | null = null): Promise<Answering> {
    this.buckets.count(call, scope)
    if (!route.open && !route.token) await this.credentials.check(call, scope, Date.now())
    await checkParameters(route, call, this.description.ignores)
    if (!route.session) await checkRefusals(route, scope, this.expressions)
    if (route.token) {
      const given = await this.credentials.give(route, scope, Date.now())
      return { reply: route, status: 200, names: { ...scope, ...given } }
    }
    if (route.graphql) {
      const result = await answerGraphql(route.graphql, this.description.folder, scope, (resolver, names) =>
        this.resolve(call, resolver, names),
      )
      return { reply: route, status: 200, names: { ...scope, ...(result as Names) }, fallback: result }
    }
    if (route.calls !== undefined) {
      const work = () => this.answerCalls(call, route, scope)
      const names = route.job
        ? { job: await startCalls(this.world.jobs, route.job, call.body, fault?.kind === 'fails', work) }
        : { answers: await work() }
      return { reply: route, status: 200, names: { ...scope, ...names } }
    }
    const done = await behave({
      world: this.world,
      behaviour: route,
      names: scope,
      url: call.url,
      form: call.form,
      call,
      fails: fault?.kind === 'fails',
    })
    return {
      reply: route,
      status: done.status,
      names: { ...scope, ...this.names(), ...done.names, path: scope.path },
      fallback: done.answer,
      bytes: done.bytes,
    }
  }

  /** What one field of a GraphQL request answers; a refusal that `failed` words is part of the answer. */
  private async resolve(call: Call, resolver: Resolver, names: Names): Promise<unknown> {
    try {
      const done = await behave({ world: this.world, behaviour: resolver, names, url: call.url, call })
      const scope = { ...names, ...this.names(), ...done.names }
      return resolver.answer === undefined ? done.answer : await fill(resolver.answer, scope, this.expressions)
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || refusal.alien || resolver.failed === undefined) throw refusal
      const problem = { ...refusal.detail, kind: refusal.kind }
      return fill(resolver.failed, { ...names, problem }, this.expressions)
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
    const said = call.said ? ` (${String(call.said.operation)})` : ''
    return new Refusal('unknown_route', { reason: 'route', message: message + said }, true)
  }
}

const isQuery = (route: Route, { body }: Call): boolean =>
  route.graphql !== undefined && isItem(body) && !/^\s*mutation\b/.test(String(body.query))

const WRITES = ['create', 'update', 'upsert', 'delete']

const writes = (route: Route): boolean =>
  route.run_job !== undefined ||
  WRITES.some((kind) => kind in route || kind in (route.each ?? {})) ||
  // What a mutation does is known only once it is read; queries do not write.
  route.graphql !== undefined ||
  route.calls !== undefined

const blank = (request: IncomingMessage): Served => ({
  method: request.method ?? '',
  path: request.url ?? '',
  query: {},
  headers: {},
  body: undefined,
  route: null,
  status: 500,
  alien: null,
})
