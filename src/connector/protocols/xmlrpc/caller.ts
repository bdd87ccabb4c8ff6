/** Sends XML-RPC calls and reads their results. Faults come with HTTP 200. */
import { CausewayError, type Json } from '../../../core/index.ts'
import type { Scope } from '../../language/index.ts'
import type { Answer, Caller, CallOptions, ParseBody } from '../../parts/answer.ts'
import { type CallSpec, methodName } from '../../parts/call.ts'
import type { HttpConnection, Interpret } from '../../parts/http.ts'
import { costOf, type HttpRequest } from '../../parts/request.ts'
import { escapeXml, xmlFields, xmlList, xmlReader } from '../../parts/xml.ts'
import { decodeValue, encodeValue } from './values.ts'

const read = xmlReader({
  isList: (name, path) => name === 'member' || name === 'param' || (name === 'value' && path.endsWith('data.value')),
  // Spaces at the ends of a text belong to it.
  trim: false,
})

export class XmlRpcCaller implements Caller<CallSpec> {
  private readonly http: HttpConnection

  constructor(http: HttpConnection) {
    this.http = http
  }

  defined({ call }: CallSpec): boolean {
    return call !== undefined
  }

  async call(request: CallSpec, scope: Scope, options: CallOptions): Promise<Answer> {
    await this.http.locate(options.signal)
    return this.http.call(this.built(request, scope), { ...options, parse }, interpret)
  }

  /** A call without credentials. */
  login(request: CallSpec, scope: Scope, signal: AbortSignal): Promise<Answer> {
    return this.http.call(this.built(request, scope), { signal, purpose: 'read', parse }, interpret, true)
  }

  private built(request: CallSpec, scope: Scope): HttpRequest {
    const given = (request.params?.evaluate(scope) ?? []) as Json
    // Parameters have no names: a mapping is one parameter, a struct.
    const params = (Array.isArray(given) ? given : [given]).map((item) => `<param>${encodeValue(item)}</param>`)
    const name = escapeXml(methodName(request, scope))
    return {
      method: 'POST',
      url: this.http.endpoint,
      headers: { Accept: 'text/xml', 'Content-Type': 'text/xml; charset=utf-8' },
      body: `<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>${name}</methodName><params>${params.join('')}</params></methodCall>`,
      ...costOf(request, scope),
    }
  }
}

/** The result as `{ result }` or `{ fault }`. */
const parse: ParseBody = ({ body, malformedText }) => {
  if (body.trim() === '') return { value: undefined }
  if (malformedText) return { fault: 'its text is not valid in its character set' }
  if (!/^\s*</.test(body)) return { fault: 'it is no XML' }
  const document = read(body)
  if ('fault' in document) return document
  const { params, fault } = xmlFields(document.root.methodResponse)
  try {
    if (fault !== undefined) return { value: { fault: decodeValue(xmlFields(fault).value) } }
    const [first] = xmlList(xmlFields(params).param)
    return first === undefined ? { value: {} } : { value: { result: decodeValue(xmlFields(first).value) } }
  } catch (error) {
    if (error instanceof CausewayError) return { fault: error.message }
    throw error
  }
}

const interpret: Interpret = (body) => {
  const { result, fault } = (body ?? {}) as { result?: Json; fault?: Json }
  if (fault !== undefined) return { response: undefined, failed: true, names: { fault } }
  if (result === undefined) return { response: undefined, fault: 'it is no XML-RPC answer' }
  return { response: result }
}
