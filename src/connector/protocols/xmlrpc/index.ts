/** Protocol `xmlrpc`: calls by name with parameters, all to one address, in XML. */
import type { JsonObject } from '../../../core/index.ts'
import { type CompiledPart, computed } from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { type CallSpec, callFields, callStreamFields, checkCallStream } from '../../parts/call.ts'
import { withMessage } from '../../parts/errors.ts'
import { HttpConnection } from '../../parts/http.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { RequestSession, type RequestStream, requestAbilities } from '../../parts/request-session.ts'
import { defineProtocol, type ProtocolContext } from '../contract.ts'
import { XmlRpcCaller } from './caller.ts'
import * as examples from './examples.ts'
import { typedBySchema } from './values.ts'

const connectorFields = { ...httpFields(['fault']), auth: authField(callFields, examples.session) }
const streamFields = callStreamFields({ read: examples.read, fetch: examples.fetch, write: examples.write })

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const xmlrpc = defineProtocol({
  name: 'xmlrpc',
  title: 'XML-RPC',
  sense:
    'Calls by name with parameters, all to `base_url`. `response` is the result of a call; `fault`, in `errors`, is its fault with `faultCode` and `faultString`. Whole numbers are sent as int, or i8 where they are larger, others as double. A value whose type JSON does not tell is written `{ $type: dateTime.iso8601, $value: … }` (or base64, double, int, i8, string, boolean) in `params`; values of records get dateTime, base64 and double by the write schema (`format: date-time`, `contentEncoding: base64`, `type: number`). Times have no zone and are taken as UTC.',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: (stream) => ({ ...requestAbilities(partsOf(stream)), content: false }),
  check: (stream, _connector, where) => checkCallStream(partsOf(stream), where),
  open: async (context) => openXmlRpc(context),
})

const partsOf = (stream: Stream): RequestStream<CallSpec> => stream as unknown as RequestStream<CallSpec>

function openXmlRpc(context: ProtocolContext<Connector, Stream>): RequestSession<CallSpec> {
  const { spec, settings } = context
  const reason = computed(
    spec.base_url.place,
    ({ fault }) => (fault as { faultString?: unknown } | undefined)?.faultString,
  )
  const http = new HttpConnection({ ...context, spec: { ...spec, errors: withMessage(spec.errors, reason) } })
  const caller = new XmlRpcCaller(http)
  const auth = spec.auth as AnyAuth<CallSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  http.authorise(
    authoriserFor(auth, http, whole, (login, signal, scope) => caller.login(login, scope ?? { settings }, signal)),
  )
  return new RequestSession<CallSpec>(whole, {
    http,
    caller,
    partsOf: (stream) => partsOf(stream.spec as Stream),
    encode:
      ({ writeSchema }) =>
      (values) =>
        typedBySchema(values, writeSchema) as JsonObject,
  })
}
