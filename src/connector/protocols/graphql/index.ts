/** GraphQL over HTTP: queries and mutations with variables, all to one address. */

import { type CompiledPart, expression, section } from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { checkCallStream } from '../../parts/call.ts'
import { describePart } from '../../parts/dictionary.ts'
import { HttpConnection } from '../../parts/http.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { fetchPart, lookupField } from '../../parts/lookup.ts'
import { nestedField } from '../../parts/nested.ts'
import { relayPagingField } from '../../parts/paging.ts'
import { readPart } from '../../parts/read-fields.ts'
import { RequestSession, type RequestStream, requestAbilities } from '../../parts/request-session.ts'
import { type SubscriptionsSpec, subscriptionsPart } from '../../parts/subscription-fields.ts'
import { subscriberOf } from '../../parts/subscriptions.ts'
import { writePart } from '../../parts/write-fields.ts'
import { defineProtocol, type ProtocolContext } from '../contract.ts'
import { GraphQLCaller } from './caller.ts'
import * as examples from './examples.ts'
import { type OperationSpec, operationFields } from './request.ts'

const connectorFields = {
  ...httpFields(['fault', 'faults', 'extensions']),
  auth: authField(operationFields, examples.session),
  subscriptions: section(subscriptionsPart(operationFields), { sense: 'How the hub orders webhooks by itself.' }),
  tolerated: expression({
    sense:
      'True for an error (`fault`) beside which the data may be used. Without it, one error makes the whole answer a failure: what is null because of it would look like a record that is gone.',
    names: ['fault', 'settings'],
    example: 'fault.extensions.code = "DEPRECATED_FIELD"',
  }),
}

const streamFields = {
  read: section(readPart(operationFields, { example: examples.read }, relayPagingField), {
    sense: 'How the records of the stream are read.',
  }),
  fetch: section(fetchPart(operationFields, examples.fetch), { sense: 'How single records are read by id.' }),
  describe: section(describePart(operationFields), { sense: 'Fields that only the system itself knows.' }),
  lookup: lookupField(operationFields, relayPagingField),
  nested: nestedField(operationFields, examples.nested),
  write: section(
    writePart(operationFields, examples.write, () => ({})),
    { sense: 'How records are written.' },
  ),
}

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const graphql = defineProtocol({
  name: 'graphql',
  title: 'GraphQL',
  sense:
    'Queries and mutations, all to `base_url`. `response` is the `data` of an answer; in `errors`, `fault` is its first error, `faults` are all, and `extensions` what stands beside them (also in `limits.buckets`).',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: (stream) => ({ ...requestAbilities(partsOf(stream)), content: false }),
  check: (stream, _connector, where) => checkCallStream(partsOf(stream), where, 'queries'),
  open: async (context) => openGraphQL(context),
})

const partsOf = (stream: Stream): RequestStream<OperationSpec> => stream as unknown as RequestStream<OperationSpec>

function openGraphQL(context: ProtocolContext<Connector, Stream>): RequestSession<OperationSpec> {
  const { spec, settings } = context
  const http = new HttpConnection(context)
  const caller = new GraphQLCaller(http, spec.tolerated)
  const auth = spec.auth as AnyAuth<OperationSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  http.authorise(
    authoriserFor(auth, http, whole, (login, signal, scope) => caller.login(login, scope ?? { settings }, signal)),
  )
  const subscriptions = spec.subscriptions as SubscriptionsSpec<OperationSpec> | undefined
  return new RequestSession<OperationSpec>(whole, {
    http,
    caller,
    subscriber: subscriberOf(subscriptions, { caller, settings, clock: context.clock }),
    partsOf: (stream) => partsOf(stream.spec as Stream),
  })
}
