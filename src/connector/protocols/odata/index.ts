/** Protocol `odata`: entity sets of an OData service, version 4 or 2. */
import type { JsonObject } from '../../../core/index.ts'
import { computed, type PartFinding } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import { type AnyAuth, authoriserFor } from '../../parts/authoriser.ts'
import { withMessage } from '../../parts/errors.ts'
import { HttpConnection } from '../../parts/http.ts'
import type { RequestSpec } from '../../parts/request.ts'
import { RequestSession, requestAbilities } from '../../parts/request-session.ts'
import type { SubscriptionsSpec } from '../../parts/subscription-fields.ts'
import { subscriberOf } from '../../parts/subscriptions.ts'
import { defineProtocol, type ProtocolContext, type StreamSpec } from '../contract.ts'
import { RestCaller } from '../rest/caller.ts'
import { reasonIn } from './answers.ts'
import { ODataCaller } from './caller.ts'
import { example } from './example.ts'
import {
  connectorFields,
  methodOf,
  type ODataConnector,
  type ODataStream,
  streamFields,
  type WrittenStream,
} from './fields.ts'
import { idOfAddress, idOfEntity } from './keys.ts'
import { withNames } from './named.ts'
import type { ODataRequest } from './requests.ts'
import { requestStream, upsertKeys } from './stream.ts'
import { wireValues } from './values.ts'

export const odata = defineProtocol({
  name: 'odata',
  title: 'OData',
  sense:
    'Entity sets of an OData service, version 4 or 2. Queries, addresses, batches and values are written in the spelling of the version; records are the entities as they came, without links, with `@odata.etag` where there is one.',
  connector: connectorFields,
  stream: streamFields,
  defaults: { key: null },
  example,
  abilities: (written, connector, settings) => abilitiesOf(withNames(written, settings), connector),
  check: findings,
  open: async (context) => openOData(context),
})

const abilitiesOf = (stream: ODataStream, connector: ODataConnector) =>
  ({
    ...requestAbilities(requestStream(stream, connector)),
    deletions: stream.changes?.kind === 'delta' ? 'tombstones' : stream.paging === 'skip' ? 'none' : 'scan',
    upsertBy: stream.write?.includes('upsert') ? upsertKeys(stream) : [],
    partialUpdate: methodOf(connector) !== 'PUT',
    content: false,
  }) as const

function findings(written: WrittenStream, connector: ODataConnector): PartFinding[] {
  const stream = withNames(written)
  const { changes, paging, order, write = [], alternate_keys } = stream
  const second = connector.odata === 'v2'
  const found: PartFinding[] = []
  const add = (field: string, message: string, fix: string) => found.push({ field, message, fix })
  if (!written.keys === !written.named)
    add('keys', `the key is said ${written.keys ? 'twice' : 'nowhere'}`, 'Give either `keys` or `named`.')
  if (written.named && (written.changes || written.lookup))
    add('named', '`changes` and `lookup` stand beside it', 'Say them in `named` too.')
  if (second && write.includes('upsert'))
    add('write', 'version 2 has no upsert', 'Leave it out; create and update do the same.')
  if (second && changes?.kind === 'delta' && paging !== 'server')
    add('changes', 'delta links need `paging: server`', 'Use it.')
  if (second && connector.batch?.format === 'json')
    add('write', 'version 2 has no JSON batches', 'Use `batch: { format: multipart }`.')
  if (!second && changes?.kind === 'delta' && paging !== 'server')
    add('paging', 'delta links come with pages that the service cuts', 'Use `paging: server`.')
  if (paging !== 'server' && order) add('order', `\`paging: ${paging}\` has an order of its own`, 'Remove `order`.')
  if (write.includes('upsert') && upsertKeys(stream).length === 0)
    add('write', 'an upsert needs a single key or `alternate_keys`', 'Name the alternate keys, or leave upsert out.')
  if (alternate_keys && !write.includes('upsert'))
    add('alternate_keys', 'nothing uses them', 'Add `upsert` to `write`, or use `lookup`.')
  return found
}

function openOData(context: ProtocolContext<ODataConnector, WrittenStream>): RequestSession<ODataRequest> {
  const { spec, settings } = context
  const reason = computed(spec.base_url.place, ({ response }) => reasonIn(response))
  const http = new HttpConnection({ ...context, spec: { ...spec, errors: withMessage(spec.errors, reason) } })
  const query = (spec.query?.evaluate({ settings }) ?? {}) as JsonObject
  const caller = new ODataCaller(http, { version: spec.odata, batch: spec.batch, query })
  const whole = context as ProtocolContext<unknown, unknown>
  const auth = spec.auth as AnyAuth<RequestSpec> | undefined
  // Logins and the ordering of webhooks are no matter of OData.
  const plain = new RestCaller(http)
  http.authorise(authoriserFor(auth, http, whole, (request, signal) => plain.login(request, { settings }, signal)))
  const subscriptions = spec.subscriptions as SubscriptionsSpec<RequestSpec> | undefined
  const named = new Map([...context.streams].map(([name, stream]) => [name, withNames(stream.spec, settings)]))
  const specOf = ({ name }: StreamSpec<unknown>) => named.get(name)!
  return new RequestSession<ODataRequest>(whole, {
    http,
    caller,
    subscriber: subscriberOf(subscriptions, { caller: plain, settings, clock: context.clock }),
    partsOf: (stream) => requestStream(specOf(stream), spec),
    prepare: (stream) => withIds(stream, specOf(stream)),
    encode: (stream) => (values) =>
      wireValues(values, stream.writeSchema, {
        version: spec.odata,
        numbersAsText: spec.numbers_as_text,
        references: specOf(stream).references ?? {},
        settings,
      }),
  })
}

function withCondition<R extends object>(made: R, entity: JsonObject): R {
  const etag = entity['@odata.etag']
  return typeof etag === 'string' && !isRejected(made as never) ? { ...made, condition: etag } : made
}

/** Ids come from the key, or where an entity is gone, from its address. */
function withIds(stream: StreamSpec<unknown>, { keys }: ODataStream): StreamSpec<unknown> {
  return {
    ...stream,
    toRecord: (body) => {
      const entity = (typeof body === 'object' ? body : null) as JsonObject | null
      if (entity === null) return stream.toRecord(body)
      if (!('@removed' in entity)) return withCondition(stream.toRecord(entity, idOfEntity(entity, keys)), entity)
      const address = entity['@id']
      const id = idOfEntity(entity, keys) ?? (typeof address === 'string' ? idOfAddress(address, keys) : null)
      const made = stream.toRecord(entity, id)
      return isRejected(made) ? made : { id: made.id, version: null, body: {}, deleted: true }
    },
  }
}
