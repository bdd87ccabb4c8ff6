/** What a manifest says about an OData service and its entity sets. */
import {
  type CompiledPart,
  choice,
  data,
  expression,
  flag,
  integer,
  list,
  map,
  part,
  section,
  template,
  text,
  type ValueOf,
  variant,
} from '../../language/index.ts'
import { ANSWER_NAMES } from '../../parts/answer.ts'
import { authField } from '../../parts/auth.ts'
import { httpFields } from '../../parts/http-fields.ts'
import { requestFields } from '../../parts/request.ts'
import { subscriptionsPart } from '../../parts/subscription-fields.ts'
import type { Keys } from './keys.ts'
import { TYPES, VERSIONS } from './literals.ts'

const SETTINGS = ['settings'] as const
const edmType = (sense: string, preset?: 'string') =>
  choice(TYPES, { sense, ...(preset ? { default: preset } : { required: true as const }) })

const batchPart = part({
  title: 'Batch',
  sense: 'Many writes in one call to `$batch`, each with an outcome of its own.',
  fields: {
    path: template({ sense: 'Where it is, appended to `base_url`.', names: SETTINGS, default: '/$batch' }),
    format: choice(['multipart', 'json'], {
      sense: '`multipart` is understood everywhere; `json` by newer services of version 4.',
      default: 'multipart',
    }),
    size: integer({ sense: 'Most writes in one call.', default: 100, minimum: 2, maximum: 1000 }),
    continue_on_error: flag({
      sense:
        'Asks a service of version 4 to go on behind a write it refuses. Where it stops all the same, what is left is sent once more.',
      default: true,
    }),
  },
  example: 'batch: { format: json, size: 100 }',
})
export type BatchSpec = ValueOf<typeof batchPart>

export const connectorFields = {
  ...httpFields(),
  auth: authField(requestFields),
  odata: choice(VERSIONS, { sense: 'Version of the protocol. For a service of version 3 use `v2`.', default: 'v4' }),
  query: data({
    sense: 'Query options of every request.',
    names: SETTINGS,
    example: { 'sap-client': '100' },
  }),
  update_method: choice(['PATCH', 'MERGE', 'PUT'], {
    sense: 'How changed fields are sent; PUT sends whole records. Default: PATCH, in version 2 MERGE.',
  }),
  update_only_if_there: flag({
    sense:
      'Updates and deletes without a version carry `If-Match: *`: some services create what an update does not find, others insist on the header.',
    default: true,
  }),
  numbers_as_text: flag({
    sense:
      'Asks for Int64 and Decimal as texts (`IEEE754Compatible=true`) and sends them so. Numbers arrive exactly without it too; version 2 writes them as texts in any case.',
    default: false,
  }),
  subscriptions: section(subscriptionsPart(requestFields), { sense: 'How the hub orders webhooks by itself.' }),
  batch: section(batchPart, { sense: 'Without it, each write is a call of its own.' }),
}
export type ODataConnector = CompiledPart<typeof connectorFields>

const byFilter = part({
  title: 'Changes by filter',
  sense: 'Entities carry the time (or number) of their last change, and can be filtered by it.',
  fields: {
    field: text({ sense: 'The property.', required: true, example: 'ModifiedAt' }),
    type: edmType('Its type. A number or text must grow with every change.'),
    filter: template({
      sense:
        "The condition, where it is not `field ge since`. `since` is a literal in the spelling of the version, such as `datetime'2026-01-01T00:00:00'`.",
      names: ['since', 'settings'],
      example: `LastChangeDate ge \${ since }`,
    }),
    ordered: flag({
      sense:
        'With `paging: keyset`, pages of changes go in the order of the change. Off, they go by the key alone: for a property that may be empty.',
      default: true,
    }),
    overlap_seconds: integer({
      sense: 'How far before the newest change seen a pull begins.',
      default: 0,
      minimum: 0,
    }),
    initial: template({ sense: 'Where the very first pull begins; without it, it reads everything.', names: SETTINGS }),
  },
  check: ({ type, overlap_seconds }) =>
    overlap_seconds > 0 && !/^date/.test(type)
      ? [{ field: 'overlap_seconds', message: `a value of type ${type} has no seconds`, fix: 'Remove it.' }]
      : [],
  example: 'changes: { kind: filter, field: ModifiedAt, type: datetimeoffset, overlap_seconds: 60 }',
})
const byDelta = part({
  title: 'Changes by delta link',
  sense:
    'The service tracks changes (`Prefer: odata.track-changes`) and gives a link to the next ones, deletions included. Where it has forgotten a link (410), everything is read anew.',
  fields: {
    expired: expression({
      sense: 'True for another answer that means: this link is too old.',
      names: ANSWER_NAMES,
      example: 'status = 400 and response.error.code = "0x80044352"',
    }),
  },
  example: 'changes: { kind: delta }',
})

const lookupPart = part({
  title: 'Look-up',
  sense: 'A property by which entities are found.',
  fields: {
    type: edmType('Its type.', 'string'),
    ignore_case: flag({ sense: 'Compares with `tolower()`.', default: false }),
    batch: integer({ sense: 'Most values in one filter.', default: 20, minimum: 1, maximum: 200 }),
  },
  example: 'lookup: { email: { ignore_case: true } }',
})

const linkPart = part({
  title: 'Reference',
  sense: 'A value that is the id of another entity, sent as a reference to it.',
  fields: {
    to: template({ sense: 'The entity set it points into.', names: SETTINGS, required: true, example: 'Customers' }),
    navigation: text({ sense: 'The navigation property; default: the name of the value.' }),
    keys: map(edmType('Type of a key property.'), {
      sense: 'Key of that entity set.',
      required: true,
      example: { ID: 'guid' },
    }),
  },
  example: 'references: { customer: { to: Customers, keys: { CustomerID: string } } }',
})
export type ReferenceSpec = ValueOf<typeof linkPart>

const namedPart = part({
  title: 'Names from settings',
  sense:
    'For an entity set whose properties only the settings of a connection name; instead of `keys`, `changes` and `lookup`.',
  fields: {
    key: template({ sense: 'The property that is the key.', names: SETTINGS, required: true }),
    key_type: template({ sense: `Its type: ${TYPES.join(', ')}.`, names: SETTINGS, default: 'string' }),
    changed: template({
      sense: 'The property with the time of the last change. Without value, each read takes all entities.',
      names: SETTINGS,
    }),
    changed_type: template({ sense: 'Its type.', names: SETTINGS, default: 'datetimeoffset' }),
    lookup: template({ sense: 'A property of type string by which entities are found.', names: SETTINGS }),
  },
  example: `named: { key: "\${ settings.key }", changed: "\${ settings.changed }" }`,
})

export const streamFields = {
  set: template({
    sense: 'The entity set, relative to `base_url`. Inserted values are percent-encoded.',
    names: SETTINGS,
    encode: 'path',
    required: true,
    example: `companies(\${ settings.company })/customers`,
  }),
  service: template({
    sense:
      'The service the set belongs to, appended to `base_url`, where a connector speaks to several: each has batches of its own.',
    names: SETTINGS,
    example: 'API_SALES_ORDER_SRV',
  }),
  keys: map(edmType('Type of the property.'), {
    sense:
      "Properties of the key, in their order. The id of a record is the value of a single one, or `A=1,B='x'` for several. Needed unless `named` says it.",
    example: { CustomerID: 'string' },
  }),
  named: section(namedPart, { sense: 'For names that only settings know.' }),
  select: list(text({ sense: 'A property.' }), {
    sense: 'Properties to read; those the hub needs are added. All when left out.',
  }),
  expand: template({ sense: 'Related entities to read along (`$expand`).', names: SETTINGS, example: 'Lines' }),
  filter: template({
    sense: 'Which entities of the set belong to the stream (`$filter`).',
    names: SETTINGS,
    example: "Status ne 'draft'",
  }),
  order: template({ sense: 'Order of the pages (`$orderby`), with `paging: server`.', names: SETTINGS }),
  paging: choice(['server', 'keyset', 'skip'], {
    sense:
      '`server`: the service cuts pages and links them. `keyset`: the hub asks for what lies behind the last key, for services that give everything, or a part of it, at once. `skip`: by `$skip`, where the key cannot be filtered; a record deleted meanwhile may hide another, so such a read proves no deletions.',
    default: 'server',
  }),
  page_size: template({
    sense: 'Entities a page: a wish (`odata.maxpagesize`) with `paging: server`, `$top` otherwise.',
    names: SETTINGS,
    default: '500',
  }),
  changes: variant('kind', { filter: byFilter, delta: byDelta }, { sense: 'Reading changes only.' }),
  lookup: map(section(lookupPart, { sense: 'One property.' }), { sense: 'Properties by which entities are found.' }),
  write: list(choice(['create', 'update', 'upsert', 'delete'], { sense: 'One operation.' }), {
    sense: 'What syncs may do; nothing when left out.',
  }),
  alternate_keys: map(edmType('Type of the property.'), {
    sense: "Properties other than the key by which an upsert may go, in version 4: `Customers(Code='A')`.",
  }),
  references: map(section(linkPart, { sense: 'One reference.' }), {
    sense:
      'Values that are ids of other entities. They are sent as references (`@odata.bind`; in version 2 by address); null takes the reference away.',
  }),
}
/** A stream as its manifest says it. */
export type WrittenStream = CompiledPart<typeof streamFields>
/** A stream whose names are known. */
export type ODataStream = Omit<WrittenStream, 'keys' | 'named'> & { readonly keys: Keys }

export const methodOf = ({ update_method, odata }: ODataConnector): 'PATCH' | 'MERGE' | 'PUT' =>
  update_method ?? (odata === 'v4' ? 'PATCH' : 'MERGE')
