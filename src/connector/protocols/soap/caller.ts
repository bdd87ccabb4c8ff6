/** Sends SOAP calls and opens their answers. Faults come with HTTP 500, sometimes with 200. */
import { type Clock, isObject, type Json, type JsonObject } from '../../../core/index.ts'
import { asText, type Scope, type Template } from '../../language/index.ts'
import type { Answer, Caller, CallOptions, ParseBody } from '../../parts/answer.ts'
import type { HttpConnection, Interpret } from '../../parts/http.ts'
import { costOf, type HttpRequest } from '../../parts/request.ts'
import { xmlReader } from '../../parts/xml.ts'
import { elementOf, envelopeOf, openEnvelope, type SoapVersion } from './envelope.ts'
import { type OperationSpec, operationName } from './request.ts'
import { type SecuritySpec, securityHeader } from './security.ts'

export type SoapSettings = {
  version: SoapVersion
  namespaces: Readonly<Record<string, Template>>
  qualified: boolean
  attributes: boolean
  lists: readonly string[]
  security: SecuritySpec | undefined
  settings: JsonObject
  clock: Clock
}

export class SoapCaller implements Caller<OperationSpec> {
  private readonly http: HttpConnection
  private readonly soap: SoapSettings
  private readonly namespaces: Record<string, string>
  private readonly parse: ParseBody

  constructor(http: HttpConnection, soap: SoapSettings) {
    this.http = http
    this.soap = soap
    this.namespaces = Object.fromEntries(
      Object.entries(soap.namespaces).map(([prefix, uri]) => [
        prefix,
        asText(uri.evaluate({ settings: soap.settings }) ?? ''),
      ]),
    )
    this.parse = parserOf(soap)
  }

  defined({ operation }: OperationSpec): boolean {
    return operation !== undefined
  }

  async call(request: OperationSpec, scope: Scope, options: CallOptions): Promise<Answer> {
    await this.http.locate(options.signal)
    return this.http.call(this.built(request, scope), { ...options, parse: this.parse }, interpret)
  }

  /** A call without credentials. */
  login(request: OperationSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    return this.http.call(this.built(request, scope), { signal, purpose: 'read', parse: this.parse }, interpret, true)
  }

  private built(request: OperationSpec, scope: Scope): HttpRequest {
    const { version, qualified, security, settings, clock } = this.soap
    const action = asText(request.action.evaluate(scope) ?? '')
    const given = (request.header?.evaluate(scope) ?? {}) as Json
    const own = isObject(given) ? Object.entries(given as JsonObject) : []
    const header =
      (security ? securityHeader(security, { settings }, clock.now()) : '') +
      own.map(([name, value]) => elementOf(name, value, '')).join('')
    const body = envelopeOf({
      ...{ version, qualified, header, namespaces: this.namespaces, operation: operationName(request, scope) },
      content: (request.content?.evaluate(scope) ?? {}) as Json,
    })
    const quoted = `"${action.replace(/["\\]/g, '')}"`
    return {
      method: 'POST',
      url: this.http.endpoint,
      headers:
        version === '1.1'
          ? { Accept: 'text/xml', 'Content-Type': 'text/xml; charset=utf-8', SOAPAction: quoted }
          : {
              Accept: 'application/soap+xml',
              'Content-Type': `application/soap+xml; charset=utf-8${action ? `; action=${quoted}` : ''}`,
            },
      body,
      ...costOf(request, scope),
    }
  }
}

/** The answer as `{ result }` or `{ fault }`. */
function parserOf({ lists, attributes }: SoapSettings): ParseBody {
  // A name, or the end of a path of names: `Contacts.Contact`.
  const isList = (_name: string, at: string) => lists.some((list) => at === list || at.endsWith(`.${list}`))
  const read = xmlReader({ isList, attributes: true, trim: false })
  return ({ body, malformedText }) => {
    if (body.trim() === '') return { value: undefined }
    if (malformedText) return { fault: 'its text is not valid in its character set' }
    if (!/^\s*</.test(body)) return { fault: 'it is no XML' }
    const document = read(body)
    if ('fault' in document) return document
    const opened = openEnvelope(document.root, attributes)
    return opened === null ? { fault: 'it is no SOAP envelope' } : { value: opened as unknown as Json }
  }
}

const interpret: Interpret = (body) => {
  const { result, fault } = (body ?? {}) as { result?: Json; fault?: Json }
  if (fault !== undefined) {
    const { code } = fault as { code: string }
    // The service failed in the middle of it: whether a write was done is as open as after a cut answer.
    if (/^(Server|Receiver)\b/.test(code))
      return { response: undefined, fault: `it is a fault of the service (${code})`, names: { fault } }
    return { response: undefined, failed: true, names: { fault } }
  }
  if (result === undefined) return { response: undefined }
  return { response: result }
}
