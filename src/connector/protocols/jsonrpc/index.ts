/** JSON-RPC: calls by name with parameters, all to one address. */
import type { JsonObject } from '../../../core/index.ts'
import { type CompiledPart, choice, section } from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { type CallSpec, callFields, callStreamFields, checkCallStream } from '../../parts/call.ts'
import { HttpConnection } from '../../parts/http.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { RequestSession, type RequestStream, requestAbilities } from '../../parts/request-session.ts'
import { defineProtocol, type ProtocolContext } from '../contract.ts'
import { RpcCaller } from './caller.ts'
import * as examples from './examples.ts'
import { typedBySchema, typedValuesPart } from './typed-values.ts'

const connectorFields = {
  ...httpFields(['fault']),
  auth: authField(callFields, examples.session),
  jsonrpc_version: choice(['2.0', 'none'], {
    sense: 'What the envelope says. `none` leaves the member out, for older dialects.',
    default: '2.0',
  }),
  typed_values: section(typedValuesPart, { sense: 'For systems that wrap decimals and dates into objects.' }),
}

const streamFields = callStreamFields({ read: examples.read, fetch: examples.fetch, write: examples.write })

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const jsonrpc = defineProtocol({
  name: 'jsonrpc',
  title: 'JSON-RPC',
  sense:
    'Calls by name with parameters, all to `base_url`. `response` is the result of a call; `fault`, in `errors`, is its error.',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: (stream) => ({ ...requestAbilities(partsOf(stream)), content: false }),
  check: (stream, _connector, where) => checkCallStream(partsOf(stream), where),
  open: async (context) => openRpc(context),
})

const partsOf = (stream: Stream): RequestStream<CallSpec> => stream as unknown as RequestStream<CallSpec>

function openRpc(context: ProtocolContext<Connector, Stream>): RequestSession<CallSpec> {
  const { spec, settings } = context
  const http = new HttpConnection(context)
  const typed = spec.typed_values
  const caller = new RpcCaller(http, { version: spec.jsonrpc_version, typed })
  const auth = spec.auth as AnyAuth<CallSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  http.authorise(
    authoriserFor(auth, http, whole, (login, signal, scope) => caller.login(login, scope ?? { settings }, signal)),
  )
  return new RequestSession<CallSpec>(whole, {
    http,
    caller,
    partsOf: (stream) => partsOf(stream.spec as Stream),
    ...(typed
      ? {
          encode:
            ({ writeSchema }) =>
            (values: JsonObject) =>
              typedBySchema(values, writeSchema, typed) as JsonObject,
        }
      : {}),
  })
}
