/** REST: JSON over HTTP, one address per kind of record. */
import { type CompiledPart, section } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { contentPart, uploadField, withContent } from '../../parts/content.ts'
import { describePart } from '../../parts/dictionary.ts'
import { HttpConnection } from '../../parts/http.ts'
import { hostsField, httpFields } from '../../parts/http-fields.ts'
import { fetchPart, lookupField } from '../../parts/lookup.ts'
import { nestedField } from '../../parts/nested.ts'
import { readPart } from '../../parts/read-fields.ts'
import { type RequestSpec, requestFields } from '../../parts/request.ts'
import {
  checkRequestStream,
  RequestSession,
  type RequestStream,
  requestAbilities,
} from '../../parts/request-session.ts'
import { type SubscriptionsSpec, subscriptionsPart } from '../../parts/subscription-fields.ts'
import { subscriberOf } from '../../parts/subscriptions.ts'
import { MemoryUploads } from '../../parts/upload-store.ts'
import { writePart } from '../../parts/write-fields.ts'
import { defineProtocol, type ProtocolContext, type StreamSpec } from '../contract.ts'
import { RestCaller } from './caller.ts'
import { contentSender, download } from './content.ts'
import * as examples from './examples.ts'

const connectorFields = {
  ...httpFields(),
  ...hostsField,
  ...hostsField,
  auth: authField(requestFields, examples.session),
  subscriptions: section(subscriptionsPart(requestFields), { sense: 'How the hub orders webhooks by itself.' }),
}

const streamFields = {
  read: section(readPart(requestFields, { example: examples.read, job: examples.job }), {
    sense: 'How the records of the stream are read.',
  }),
  fetch: section(fetchPart(requestFields, examples.fetch), { sense: 'How single records are read by id.' }),
  describe: section(describePart(requestFields), { sense: 'Fields that only the system itself knows.' }),
  lookup: lookupField(requestFields),
  nested: nestedField(requestFields, examples.nested),
  write: section(writePart(requestFields, examples.write, uploadField), { sense: 'How records are written.' }),
  content: section(contentPart, { sense: 'For streams whose records are files.' }),
}

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const rest = defineProtocol({
  name: 'rest',
  title: 'REST',
  sense: 'JSON over HTTP.',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: (stream) => ({ ...requestAbilities(partsOf(stream)), content: stream.content !== undefined }),
  check: (stream, _connector, where) => [
    ...checkRequestStream(partsOf(stream), where),
    ...(stream.content && !stream.read && !stream.fetch
      ? [{ field: 'content', message: 'no record is ever read that could have content', fix: 'Add `read` or `fetch`.' }]
      : []),
  ],
  open: async (context) => openRest(context),
})

/** The parts of a stream as the session that all request protocols share sees them. */
const partsOf = (stream: Stream): RequestStream<RequestSpec> => stream as unknown as RequestStream<RequestSpec>
const specOf = (stream: StreamSpec<unknown>): Stream => stream.spec as Stream

function openRest(context: ProtocolContext<Connector, Stream>): RequestSession<RequestSpec> {
  const http = new HttpConnection(context)
  const caller = new RestCaller(http)
  const auth = context.spec.auth as AnyAuth<RequestSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  http.authorise(
    authoriserFor(auth, http, whole, (login, signal, scope) =>
      caller.login(login, scope ?? { settings: context.settings }, signal),
    ),
  )
  const subscriptions = context.spec.subscriptions as SubscriptionsSpec<RequestSpec> | undefined
  return new RequestSession<RequestSpec>(whole, {
    http,
    caller,
    subscriber: subscriberOf(subscriptions, { caller, settings: context.settings, clock: context.clock }),
    texts: true,
    partsOf: (stream) => partsOf(specOf(stream)),
    prepare: (stream) => withReferences(stream, context.settings),
    sendContent: contentSender(http, caller, context.uploads ?? new MemoryUploads()),
    content: (stream, request) => download(http, specOf(stream).content!, request),
  })
}

/** Records of a stream of files carry a reference to their bytes. */
function withReferences(
  stream: StreamSpec<unknown>,
  settings: ProtocolContext<unknown, unknown>['settings'],
): StreamSpec<unknown> {
  const { content } = specOf(stream)
  if (!content) return stream
  return {
    ...stream,
    toRecord: (body) => {
      const made = stream.toRecord(body)
      return isRejected(made) ? made : withContent(content, made, settings)
    },
  }
}
