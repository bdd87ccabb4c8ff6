/** JSON-RPC: calls by name with parameters, all to one address. */
import type { JsonObject } from '../../../core/index.ts'
import { type CompiledPart, choice, section } from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { describePart } from '../../parts/dictionary.ts'
import { HttpConnection, httpFields } from '../../parts/http.ts'
import { fetchPart, lookupField } from '../../parts/lookup.ts'
import { callPagingField } from '../../parts/paging.ts'
import { readPart } from '../../parts/read-fields.ts'
import {
  checkRequestStream,
  RequestSession,
  type RequestStream,
  requestAbilities,
} from '../../parts/request-session.ts'
import { writePart } from '../../parts/write-fields.ts'
import { defineProtocol, type ProtocolContext } from '../contract.ts'
import { RpcCaller } from './caller.ts'
import * as examples from './examples.ts'
import { type CallSpec, callFields } from './request.ts'
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

const streamFields = {
  read: section(readPart(callFields, { example: examples.read }, callPagingField), {
    sense: 'How the records of the stream are read.',
  }),
  fetch: section(fetchPart(callFields, examples.fetch), { sense: 'How single records are read by id.' }),
  describe: section(describePart(callFields), { sense: 'Fields that only the system itself knows.' }),
  lookup: lookupField(callFields),
  write: section(
    writePart(callFields, examples.write, () => ({})),
    { sense: 'How records are written.' },
  ),
}

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
  check: (stream, _connector, where) => [
    ...checkRequestStream(partsOf(stream), where),
    ...(stream.read?.server_cursor?.as === 'url'
      ? [{ field: 'read.server_cursor.as', message: 'calls have one address only', fix: 'Use `as: value`.' }]
      : []),
  ],
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
  http.authorise(authoriserFor(auth, http, whole, (login, signal) => caller.login(login, { settings }, signal)))
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
