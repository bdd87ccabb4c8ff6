/** Many writes in one call to `$batch`, and what became of each. */
import { CausewayError, type Json, type JsonObject, parseExact } from '../../../core/index.ts'
import { asText } from '../../language/index.ts'
import type { Answer, CallOptions, ParseBody } from '../../parts/answer.ts'
import { parseBody } from '../../parts/answer.ts'
import type { Interpret } from '../../parts/http.ts'
import type { HttpRequest } from '../../parts/request.ts'
import { fieldsOf } from './answers.ts'
import type { BatchSpec } from './fields.ts'
import type { ODataVersion } from './literals.ts'
import { multipartBatch, parseMultipartBatch } from './multipart-batch.ts'
import { LOST, NOT_REACHED, type PartAnswer, type ResultOfPart } from './part-results.ts'

type Parts = {
  version: ODataVersion
  batch: BatchSpec | undefined
  interpret: Interpret
  send(request: HttpRequest, options: CallOptions, interpret: Interpret): Promise<Answer>
}

export class Batches {
  private readonly parts: Parts

  constructor(parts: Parts) {
    this.parts = parts
  }

  /**
   * The answer's `response` is a list of results in the order of the items. A service that stops behind a refusal is sent what
   * is left, so that one bad record costs a call and not the others.
   */
  async send(request: HttpRequest, items: HttpRequest[], options: CallOptions): Promise<Answer> {
    let answer = await this.once(request, items, options)
    if (answer.failure) return answer
    const results = [...(answer.response as ResultOfPart[])]
    for (let from = reached(results); from > 0 && from < items.length; ) {
      const rest = await this.more(request, items.slice(from), options)
      results.splice(from, results.length, ...rest.results)
      if (rest.answer) answer = rest.answer
      const now = reached(results)
      if (now === from) break
      from = now
    }
    return { ...answer, failure: null, response: results as unknown as Json }
  }

  /** What is left, after a stop. A failure is no longer one of the whole batch, so it becomes a result of each record. */
  private async more(
    request: HttpRequest,
    items: HttpRequest[],
    options: CallOptions,
  ): Promise<{ results: ResultOfPart[]; answer?: Answer }> {
    let failure: CausewayError
    try {
      const answer = await this.once(request, items, options)
      if (!answer.failure) return { results: answer.response as ResultOfPart[], answer }
      failure = answer.failure
    } catch (error) {
      if (!(error instanceof CausewayError)) throw error
      failure = error
    }
    const lost = failure.code === 'CSW-3012' || failure.code === 'CSW-3011'
    return { results: items.map(() => ({ status: lost ? LOST : NOT_REACHED, headers: {}, body: null })) }
  }

  private async once(request: HttpRequest, items: HttpRequest[], options: CallOptions): Promise<Answer> {
    const json = this.parts.batch!.format === 'json'
    const sent = json ? this.jsonRequest(request, items) : this.multipartRequest(request, items)
    const parse: ParseBody = json ? parseBody : parseMultipart
    const answer = await this.parts.send(sent, { ...options, parse }, (body) => {
      const parts = json ? jsonParts(body, items.length) : multipartParts(body, items.length)
      return parts ? { response: parts as unknown as Json } : { ...this.parts.interpret(body), fault: NO_BATCH }
    })
    if (answer.failure) return answer
    return { ...answer, response: this.resultsOf(answer.response as unknown as (PartAnswer | null)[], items) as never }
  }

  /** Results in the order of the items: a version in the answer's body read as everywhere, a stop made plain. */
  private resultsOf(parts: (PartAnswer | null)[], items: HttpRequest[]): ResultOfPart[] {
    const stopped = parts.findLastIndex((part) => part !== null && part.status >= 400)
    return items.map((item, index) => {
      const part = parts[index] ?? null
      // Only a refusal ends a batch early; an answer that is missing for no reason says nothing about its write.
      if (!part) return { status: index > stopped && stopped >= 0 ? NOT_REACHED : LOST, headers: {}, body: null }
      const { response = null } = this.parts.interpret(part.body)
      const gone = part.status === 412 && item.headers['If-Match'] === '*'
      return { status: gone ? 404 : part.status, headers: part.headers, body: response }
    })
  }

  private prefer(): Record<string, string> {
    const goOn = this.parts.version === 'v4' && this.parts.batch!.continue_on_error
    return goOn ? { Prefer: 'odata.continue-on-error' } : {}
  }

  private jsonRequest(request: HttpRequest, items: HttpRequest[]): HttpRequest {
    const requests = items.map(({ method, url, headers, body }, index) => ({
      id: String(index + 1),
      method,
      url: url.slice(1),
      headers: lowered(headers),
      ...(typeof body === 'string' ? { body: parseExact(body) } : {}),
    }))
    const headers = {
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'OData-Version': '4.0',
      'OData-MaxVersion': '4.01',
      ...this.prefer(),
    }
    return { ...request, headers, body: JSON.stringify({ requests }) }
  }

  private multipartRequest(request: HttpRequest, items: HttpRequest[]): HttpRequest {
    const { body, type } = multipartBatch(items)
    const versions =
      this.parts.version === 'v4'
        ? { 'OData-Version': '4.0', 'OData-MaxVersion': '4.0' }
        : { DataServiceVersion: '2.0', MaxDataServiceVersion: '2.0' }
    return {
      ...request,
      headers: { Accept: 'multipart/mixed', 'Content-Type': type, ...versions, ...this.prefer() },
      body,
    }
  }
}

const NO_BATCH = 'it is no answer to a batch'

/** How many items have an answer, up to the first that was not looked at. */
function reached(results: ResultOfPart[]): number {
  const stop = results.findIndex(({ status }) => status === NOT_REACHED)
  return stop < 0 ? results.length : stop
}

const lowered = (headers: HttpRequest['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name.toLowerCase(), value]])),
  )

/** Answers by the id of their request; null where there is none. */
function jsonParts(body: Json | undefined, count: number): (PartAnswer | null)[] | null {
  const responses = fieldsOf(body).responses
  if (!Array.isArray(responses)) return null
  const parts: (PartAnswer | null)[] = new Array(count).fill(null)
  for (const response of responses.map(fieldsOf)) {
    const index = Number(response.id) - 1
    if (!Number.isInteger(index) || index < 0 || index >= count) continue
    const headers = fieldsOf(response.headers)
    parts[index] = {
      status: Number(response.status),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), asText(value)])),
      body: response.body,
    }
  }
  return parts
}

/** A refusal of the whole call comes as JSON. */
const parseMultipart: ParseBody = (raw) => {
  const type = String(raw.headers['content-type'] ?? '')
  if (!/^multipart\/mixed/i.test(type)) return parseBody(raw)
  const parts = parseMultipartBatch(raw.body, type)
  return parts ? { value: { parts } as unknown as JsonObject } : { fault: 'its parts cannot be told apart' }
}

/** Answers by position: one for each request, in order, as the standard says. */
function multipartParts(body: Json | undefined, count: number): (PartAnswer | null)[] | null {
  const parts = fieldsOf(body).parts as unknown as PartAnswer[] | undefined
  return Array.isArray(parts) && parts.length <= count ? parts : null
}
