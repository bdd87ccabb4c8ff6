/** An OData stream in the parts that all protocols with requests share. */
import { isObject, type Json, type JsonObject } from '../../../core/index.ts'
import { asText, computed, computedTemplate, type Scope } from '../../language/index.ts'
import type { Incremental } from '../../parts/incremental.ts'
import type { FetchSpec, LookupSpec } from '../../parts/lookup.ts'
import type { ReadSpec } from '../../parts/read-fields.ts'
import type { RequestStream } from '../../parts/request-session.ts'
import type { WriteOperationSpec, WriteSpec } from '../../parts/write-fields.ts'
import { fieldsOf, reasonIn } from './answers.ts'
import { methodOf, type ODataConnector, type ODataStream } from './fields.ts'
import { idOfAddress, idOfEntity } from './keys.ts'
import { isOfType } from './literals.ts'
import { LOST, NOT_REACHED, type ResultOfPart } from './part-results.ts'
import { EntitySet, type ODataRequest } from './requests.ts'

const FETCH_BATCH = 20

type Made = { set: EntitySet; stream: ODataStream; connector: ODataConnector }

export function requestStream(stream: ODataStream, connector: ODataConnector): RequestStream<ODataRequest> {
  const made = { set: new EntitySet(stream, connector), stream, connector }
  const { write: operations = [] } = stream
  const write: WriteSpec<ODataRequest> = {
    ...(operations.includes('create') ? { create: createSpec(made) } : {}),
    ...(operations.includes('update') ? { update: updateSpec(made) } : {}),
    ...(operations.includes('upsert') ? { upsert: upsertSpec(made) } : {}),
    ...(operations.includes('delete') ? { delete: deleteSpec(made) } : {}),
  }
  return {
    read: readSpec(made),
    fetch: fetchSpec(made),
    lookup: Object.fromEntries(Object.keys(stream.lookup ?? {}).map((name) => [name, lookupSpec(made, name)])),
    write: operations.length ? write : undefined,
  }
}

const request = (
  kind: ODataRequest['request']['kind'],
  build: ODataRequest['request']['build'],
  names: string[] = [],
): ODataRequest => ({ request: { kind, build, names: new Set(names) } })

/** The entities of a page; changes of relations alone are left out. */
const entitiesOf = (scope: Scope): Json[] => {
  const { value } = fieldsOf(scope.response)
  return Array.isArray(value) ? value.filter((item) => !isObject(item) || !('@link' in item)) : []
}

function readSpec({ set, stream }: Made): ReadSpec<ODataRequest> {
  const { place } = stream.set
  const { changes, paging } = stream
  return {
    ...request('page', (scope) => set.page(scope), ['since', 'cursor', 'page']),
    records: computed(place, entitiesOf),
    page_size: stream.page_size,
    paging: pagingOf({ set, stream }),
    empty: undefined,
    expired: changes?.kind === 'delta' ? changes.expired : undefined,
    incremental: changes?.kind === 'filter' ? incrementalOf(changes, stream) : undefined,
    server_cursor:
      changes?.kind === 'delta' && paging === 'server'
        ? { next: computed(place, (scope) => fieldsOf(scope.response).deltaLink), as: 'url' }
        : undefined,
    fetch_ids: undefined,
    for_each: undefined,
    deletions: undefined,
  }
}

function pagingOf({ set, stream }: Pick<Made, 'set' | 'stream'>): ReadSpec<ODataRequest>['paging'] {
  const { place } = stream.set
  switch (stream.paging) {
    case 'server':
      return { kind: 'next-url', next: computed(place, (scope) => fieldsOf(scope.response).nextLink), stop: undefined }
    case 'keyset': {
      const key = computed(place, ({ record }) => set.keyset(record as JsonObject))
      return { kind: 'keyset', key, short_page_ends: false, stop: undefined }
    }
    default:
      return { kind: 'offset', first: 0, total: undefined, short_page_ends: false, clamped: false, stop: undefined }
  }
}

function incrementalOf(
  { field, type, overlap_seconds, initial }: Extract<ODataStream['changes'], { kind: 'filter' }>,
  stream: ODataStream,
): Incremental {
  return {
    value: computed(stream.set.place, ({ record }) => (isObject(record) ? record[field] : undefined)),
    type: type.startsWith('date') ? 'timestamp' : type === 'string' || type === 'guid' ? 'text' : 'number',
    format: type === 'date' ? 'date' : 'verbatim',
    overlap_seconds,
    bound: 'inclusive',
    ordered: false,
    newest_first: false,
    cap: undefined,
    reanchor: false,
    zone: undefined,
    initial,
  }
}

function fetchSpec({ set, stream }: Made): FetchSpec<ODataRequest> {
  return {
    ...request('all', ({ ids, settings }) => set.byIds(ids as string[], settings)),
    records: computed(stream.set.place, entitiesOf),
    batch: FETCH_BATCH,
    empty: undefined,
  }
}

function lookupSpec({ set, stream }: Made, name: string): LookupSpec<ODataRequest> {
  const { type, ignore_case, batch } = stream.lookup![name]!
  return {
    ...request('all', ({ values, settings }) => set.found(name, type, values as string[], ignore_case, settings)),
    records: computed(stream.set.place, entitiesOf),
    batch,
    field: undefined,
    ignore_case: ignore_case || type === 'guid',
    possible: (value) => isOfType(value, type),
    empty: undefined,
    fetch_ids: undefined,
  }
}

const createSpec = (made: Made) => operation(made, 'create', (scope) => made.set.create(scope))
const upsertSpec = (made: Made) => ({
  ...operation(made, 'upsert', (scope) => made.set.upsert(scope)),
  key: upsertKeys(made.stream),
})
const deleteSpec = (made: Made) => operation(made, 'delete', (scope) => made.set.remove(scope))
function updateSpec(made: Made): WriteOperationSpec<ODataRequest> {
  const method = methodOf(made.connector)
  return {
    ...operation(made, 'update', (scope) => made.set.update(scope, method)),
    partial: method !== 'PUT',
  }
}

/** Fields by which an upsert may go: the key, where it is a single one, and the alternate keys. */
export function upsertKeys({ keys, alternate_keys = {} }: ODataStream): string[] {
  const own = Object.keys(keys)
  return [...(own.length === 1 ? own : []), ...Object.keys(alternate_keys)]
}

function operation(
  { set, stream, connector }: Made,
  name: 'create' | 'update' | 'upsert' | 'delete',
  build: ODataRequest['request']['build'],
): WriteOperationSpec<ODataRequest> {
  const { place } = stream.set
  const { batch } = connector
  const entity = (response: unknown, headers: Record<string, string>) =>
    (isObject(response) ? idOfEntity(response, stream.keys) : null) ??
    addressed(headers['odata-entityid'] ?? headers.dataserviceid ?? headers.location, stream)
  const answers = {
    id: computed(place, ({ response, headers }) => entity(response, headers as Record<string, string>)),
    version: computed(place, ({ response, headers }) => etagOf(response, headers as Record<string, string>)),
  }
  const names = name === 'update' || name === 'delete' ? ['version'] : []
  return {
    ...request('write', build, names),
    ...(name === 'delete'
      ? {}
      : { ...answers, returned: computed(place, ({ response }) => wholeEntity(response, stream)) }),
    batch: batch && {
      ...request('batch', ({ settings }) => {
        const path = asText(batch.path.evaluate({ settings }) ?? '')
        return { method: 'POST', url: set.service(settings) + (path.startsWith('/') ? path : `/${path}`), headers: {} }
      }),
      size: batch.size,
      // Addresses in a batch are relative to the service it belongs to.
      item: computedTemplate(place, (scope) => {
        const one = build(scope)
        return { ...one, url: one.url.slice(set.service(scope.settings).length) }
      }),
      results: computed(place, ({ response }) => response),
      json_text: undefined,
      errors: undefined,
      correlate: undefined,
      // Deletes of what is gone, and changes of it: the status says it for each.
      missing: status(place, (code) => name !== 'create' && (code === 404 || code === 410)),
      conflict: status(place, (code) => code === 412),
      // A create that failed there may have been done; what was never looked at, or told to wait, was not.
      again: status(place, (code) => CALM_DOWN.has(code) || (name !== 'create' && (code >= 500 || code === LOST))),
      failed: status(place, (code) => code >= 300 && code < 500),
      id: computed(place, ({ result }) => {
        const { status: code, body, headers } = result as ResultOfPart
        return code >= 200 && code < 300 ? entity(body, headers) : null
      }),
      version: computed(place, ({ result }) => etagOf((result as ResultOfPart).body, (result as ResultOfPart).headers)),
      message: computed(place, ({ result }) => reasonIn((result as ResultOfPart).body)),
      error_message: undefined,
      all_or_nothing: false,
    },
  }
}

const CALM_DOWN = new Set([NOT_REACHED, 408, 425, 429, 503])

const status = (place: ODataStream['set']['place'], holds: (code: number) => boolean) =>
  computed(place, ({ result }) => holds((result as ResultOfPart).status))

const addressed = (address: string | undefined, { keys }: ODataStream): string | null =>
  address === undefined ? null : idOfAddress(address, keys)

const etagOf = (entity: unknown, headers: Record<string, string>): unknown =>
  (isObject(entity) ? entity['@odata.etag'] : undefined) ?? headers.etag

/** The answer to a write where it is the entity, not a message. */
const wholeEntity = (response: unknown, { keys }: ODataStream): unknown =>
  isObject(response) && idOfEntity(response, keys) !== null ? response : undefined
