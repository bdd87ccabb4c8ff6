/** Sends the requests of an OData stream. */
import { CausewayError, type Json, type JsonObject } from '../../../core/index.ts'
import type { Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions } from '../../parts/answer.ts'
import type { HttpConnection } from '../../parts/http.ts'
import { type HttpRequest, onSameOrigin, queryPairs } from '../../parts/request.ts'
import { fieldsOf, interpreter, MORE } from './answers.ts'
import { Batches } from './batch.ts'
import type { BatchSpec } from './fields.ts'
import type { ODataVersion } from './literals.ts'
import type { ODataRequest } from './requests.ts'

/** Answers that one request may link one after the other; a service that links in a circle ends here. */
const MOST_PAGES = 10_000

export type CallerOptions = { version: ODataVersion; batch: BatchSpec | undefined; query: JsonObject }

export class ODataCaller implements Caller<ODataRequest> {
  private readonly http: HttpConnection
  private readonly options: CallerOptions
  private readonly batches: Batches
  private readonly interpret

  constructor(http: HttpConnection, options: CallerOptions) {
    this.http = http
    this.options = options
    this.interpret = interpreter(options.version)
    this.batches = new Batches({
      ...options,
      interpret: this.interpret,
      send: (request, call, interpret) => http.call(this.placed(request), call, interpret),
    })
  }

  defined({ request }: ODataRequest): boolean {
    return request !== undefined
  }

  async call({ request }: ODataRequest, scope: Scope, options: CallOptions & { url?: string }): Promise<Answer> {
    await this.http.locate(options.signal)
    const { url: next, ...call } = options
    const built = request.build(scope)
    if (request.kind === 'batch') return this.batches.send(built, scope.items as HttpRequest[], call)
    const sent = this.placed(built)
    const answer = await this.ask(next === undefined ? sent : { ...sent, url: onSameOrigin(next, sent.url) }, call)
    if (answer.failure || request.kind === 'write') return answer
    if (request.kind === 'all') await this.followPages(answer, sent, call)
    await this.completeAll(answer.response, sent, call)
    return answer
  }

  private async ask(request: HttpRequest, options: CallOptions): Promise<Answer> {
    const answer = await this.http.call(request, options, this.interpret)
    // Nothing but "there is something" was asked for, so nothing is there.
    if (answer.status !== 412 || request.headers['If-Match'] !== '*' || !answer.failure) return answer
    return {
      ...answer,
      failure: new CausewayError('CSW-3009', { what: answer.failure.message, cause: answer.failure }),
    }
  }

  /** The address in full, with the query options that every request has. Links of the service hold them already. */
  private placed(request: HttpRequest): HttpRequest {
    const more = queryPairs({ ...request, query: this.options.query as HttpRequest['query'] & object })
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .join('&')
    const url = this.http.base + request.url
    return { ...request, url: more === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${more}` }
  }

  /** Adds the entities of the pages that a page links to it. */
  private async followPages(answer: Answer, sent: HttpRequest, options: CallOptions): Promise<void> {
    const page = fieldsOf(answer.response)
    if (Array.isArray(page.value)) await this.append(page.value, page.nextLink, sent, options)
  }

  /** An expanded collection may be cut into pages of its own; a record is whole only with all of them. */
  private async completeAll(value: Json | undefined, sent: HttpRequest, options: CallOptions): Promise<void> {
    if (Array.isArray(value)) for (const item of value) await this.completeAll(item, sent, options)
    const fields = fieldsOf(value)
    for (const [name, item] of Object.entries(fields)) {
      if (name.endsWith(MORE)) {
        const list = fields[name.slice(0, -MORE.length)]
        if (Array.isArray(list)) await this.append(list, item, sent, options)
        delete fields[name]
      } else if (typeof item === 'object') await this.completeAll(item, sent, options)
    }
  }

  private async append(list: Json[], link: Json | undefined, sent: HttpRequest, options: CallOptions): Promise<void> {
    let next = link
    for (let pages = 0; typeof next === 'string'; pages++) {
      if (pages === MOST_PAGES)
        throw new CausewayError('CSW-2006', { what: 'The pages of an answer link in a circle.' })
      const answer = await this.ask({ ...sent, url: onSameOrigin(next, sent.url) }, options)
      if (answer.failure) throw answer.failure
      const page = fieldsOf(answer.response)
      if (Array.isArray(page.value)) list.push(...page.value)
      next = page.nextLink
    }
  }
}
