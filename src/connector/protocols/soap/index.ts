/** Protocol `soap`: operations of a SOAP service, all to one address. */

import type { JsonObject } from '../../../core/index.ts'
import {
  type CompiledPart,
  choice,
  computed,
  type Field,
  flag,
  list,
  map,
  section,
  template,
  text,
} from '../../language/index.ts'
import { authField } from '../../parts/auth.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { checkCallStream } from '../../parts/call.ts'
import { describePart } from '../../parts/dictionary.ts'
import { type ErrorsSpec, withMessage } from '../../parts/errors.ts'
import { HttpConnection } from '../../parts/http.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { fetchPart, lookupField } from '../../parts/lookup.ts'
import { callPagingField } from '../../parts/paging.ts'
import { readPart } from '../../parts/read-fields.ts'
import { RequestSession, type RequestStream, requestAbilities } from '../../parts/request-session.ts'
import { writePart } from '../../parts/write-fields.ts'
import { defineProtocol, type ProtocolContext, type StreamSpec } from '../contract.ts'
import { SoapCaller } from './caller.ts'
import { type Fault, VERSIONS } from './envelope.ts'
import * as examples from './examples.ts'
import { type OperationSpec, operationFields } from './request.ts'
import { type SecuritySpec, securityPart } from './security.ts'
import { inOrder, typedBySchema } from './types.ts'

const connectorFields = {
  ...httpFields(['fault']),
  auth: authField(operationFields, examples.session),
  soap: choice(VERSIONS, { sense: 'Version of SOAP.', default: '1.1' }),
  namespaces: map(template({ sense: 'The namespace.', names: ['settings'] }), {
    sense: 'Prefixes of `operation`, `content` and `header`, with the namespaces they stand for.',
    keys: '^[A-Za-z_][\\w-]*$',
    default: {},
    example: { crm: 'urn:example:crm' },
  }),
  qualified: flag({
    sense:
      'Elements without a prefix take that of the operation (`elementFormDefault="qualified"` in the service\'s schema). Otherwise they have no namespace.',
    default: true,
  }),
  security: section(securityPart, { sense: 'User and password in the header of each call.' }) as Field<
    SecuritySpec | undefined
  >,
  lists: list(text({ sense: 'A name, or the end of a path of names: `Contacts.Contact`.' }), {
    sense:
      'Elements that may come several times: XML does not tell a list of one from a single element. In records, the schema says it too (`type: array`).',
    example: ['contact'],
  }),
  attributes: flag({
    sense: 'Attributes of elements become fields `@name`; otherwise they are left out.',
    default: false,
  }),
}

const streamFields = {
  read: section(readPart(operationFields, { example: examples.read }, callPagingField), {
    sense: 'How the records of the stream are read.',
  }),
  fetch: section(fetchPart(operationFields, examples.fetch), { sense: 'How single records are read by id.' }),
  describe: section(describePart(operationFields), { sense: 'Fields that only the system itself knows.' }),
  lookup: lookupField(operationFields, callPagingField),
  write: section(
    writePart(operationFields, examples.write, () => ({})),
    { sense: 'How records are written.' },
  ),
}

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const soap = defineProtocol({
  name: 'soap',
  title: 'SOAP',
  sense:
    'Operations of a SOAP service (1.1 or 1.2, document or RPC style, literal), all to `base_url`. `response` is what stands in the answered element, by local names: texts, objects and lists; `xsi:nil` is null. Fields of records become numbers, booleans and lists by the schema of the stream. In `errors`, `fault` has `code` (without prefix; with the subcode behind a point), `message` and `detail`; a fault of the caller (Client, Sender) refuses the record, one of the service is tried again. A WSDL is read by `create connector` only; no attachments, no multi-reference encoding.',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: (stream) => ({ ...requestAbilities(partsOf(stream)), content: false }),
  check: (stream, _connector, where) => checkCallStream(partsOf(stream), where),
  open: async (context) => openSoap(context),
})

const partsOf = (stream: Stream): RequestStream<OperationSpec> => stream as unknown as RequestStream<OperationSpec>

function openSoap(context: ProtocolContext<Connector, Stream>): RequestSession<OperationSpec> {
  const { spec, settings, clock } = context
  const http = new HttpConnection({ ...context, spec: { ...spec, errors: withFaults(spec) } })
  const { namespaces, qualified, attributes, lists = [], security } = spec
  const caller = new SoapCaller(http, {
    ...{ version: spec.soap, namespaces, qualified, attributes, lists, security, settings, clock },
  })
  const auth = spec.auth as AnyAuth<OperationSpec> | undefined
  const whole = context as ProtocolContext<unknown, unknown>
  http.authorise(authoriserFor(auth, http, whole, (login, signal) => caller.login(login, { settings }, signal)))
  return new RequestSession<OperationSpec>(whole, {
    http,
    caller,
    partsOf: (stream) => partsOf(stream.spec as Stream),
    prepare: typed,
    encode:
      ({ writeSchema }) =>
      (values) =>
        inOrder(values, writeSchema) as JsonObject,
  })
}

const typed = (stream: StreamSpec<unknown>): StreamSpec<unknown> => ({
  ...stream,
  toRecord: (body, id) => stream.toRecord(typedBySchema(body, stream.readSchema), id),
})

/** What faults mean where the manifest says nothing: status 500 alone would blame the service for a refused record. */
function withFaults({ errors, base_url }: Connector): ErrorsSpec {
  const { place } = base_url
  const when = (holds: RegExp) =>
    computed(place, ({ fault }) => (fault === undefined ? false : holds.test((fault as Fault).code)))
  return {
    ...withMessage(
      errors,
      computed(place, ({ fault }) => (fault as Fault | undefined)?.message || undefined),
    ),
    classes: [
      ...(errors?.classes ?? []),
      { when: when(/FailedAuthentication|FailedCheck|InvalidSecurityToken|InvalidSecurity$/), is: 'auth' },
      { when: when(/^(Client|Sender)\b/), is: 'refused' },
    ],
  }
}
