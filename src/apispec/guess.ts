/** What a description suggests about lists: where the records stand, how pages follow each other, what has changed since. */
import type { Operation } from './contract.ts'
import { itemOf, member, namesOf, type Type, typeOfSchema } from './types.ts'

export type Listed = {
  operation: Operation
  /** Where the records stand, as an expression over `response`. */
  records: string
  record: Type
  key: string
}

/** A call that answers with a list of objects that have something like an id; null where it does not. */
export function listedBy(operation: Operation): Listed | null {
  if (operation.method !== 'GET' || ownParameters(operation.path) > 0 || !operation.answer) return null
  const answer = typeOfSchema(operation.answer, operation.lookup)
  for (const path of listPaths(answer)) {
    const record = itemOf(
      path
        .split('.')
        .slice(1)
        .reduce((type, name) => member(type, name), answer),
    )
    const key = keyOf(record, operation.path)
    if (key) return { operation, records: path, record, key }
  }
  return null
}

/** A parameter that is the same for a whole installation (an account, a company) becomes a setting. */
const INSTALLATION = /\{(\w*(?:account|company|realm|tenant|organi[sz]ation|workspace|site|version|domain)\w*)\}/gi

const ownParameters = (path: string): number => path.replace(INSTALLATION, '').split('{').length - 1

/** Settings that the paths of a list need. */
export const settingsIn = (path: string): string[] => [...path.matchAll(INSTALLATION)].map(([, name]) => snake(name!))

/** A path in the words of a manifest: installation parameters from the settings, the last other one from `id`. */
export const pathFor = (path: string): string =>
  path
    .replace(INSTALLATION, (_, name: string) => `\${ settings.${snake(name)} }`)
    .replace(/(?<!\$)\{[^} ]+\}/, '${ id }')

const snake = (name: string): string => name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()

/** Paths to lists in an answer, the shallowest first. */
function listPaths(answer: Type): string[] {
  if (answer.kind === 'list') return ['response']
  const first = namesOf(answer).filter((name) => member(answer, name).kind === 'list')
  const second = namesOf(answer).flatMap((name) =>
    member(answer, name).kind === 'schema'
      ? namesOf(member(answer, name))
          .filter((inner) => member(member(answer, name), inner).kind === 'list')
          .map((inner) => `${quoted(name)}.${quoted(inner)}`)
      : [],
  )
  return [...first.map(quoted), ...second].map((path) => `response.${path}`)
}

/** A name as JSONata takes it. */
export const quoted = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``)

function keyOf(record: Type, path: string): string | null {
  const names = namesOf(record)
  const singular = singularOf(
    path
      .split('/')
      .at(-1)!
      .replace(/\.\w+$/, ''),
  )
  const wanted = ['id', 'Id', 'ID', 'uuid', `${singular}Id`, `${singular}_id`, `${singular}ID`, 'key', 'name', 'number']
  return namedLike(names, wanted) ?? null
}

/** The first of the wanted names that is there, in whichever case it is written. */
function namedLike(names: string[], wanted: string[]): string | undefined {
  const exact = wanted.find((name) => names.includes(name))
  return exact ?? wanted.flatMap((one) => names.filter((name) => name.toLowerCase() === one.toLowerCase()))[0]
}

export const singularOf = (name: string): string => name.replace(/ies$/, 'y').replace(/([^s])s$/, '$1')

const SIZES = [
  'limit',
  'per_page',
  'perPage',
  'page_size',
  'pageSize',
  'count',
  'maxItems',
  'max_results',
  'maxResults',
  'page[limit]',
  'page[size]',
  '$top',
  'size',
]
const CURSORS = [
  'after',
  'cursor',
  'page_token',
  'pageToken',
  'next_token',
  'continuation_token',
  'page[after]',
  'page[cursor]',
  'starting_after',
]
const NUMBERS = ['page', 'page_number', 'pageNumber', 'page[number]']
const OFFSETS = ['offset', 'skip', 'skipCount', 'start', 'startAt', 'start_position', 'page[offset]', '$skip']
const NEXTS = ['next_cursor', 'nextCursor', 'next_page_token', 'nextPageToken', 'next_token', 'cursor', 'after', 'next']
const SINCE =
  /^(updated_since|updatedSince|updated_after|updatedAfter|modified_since|modifiedSince|modified_after|updated_at_min|since|changed_since|changedSince|updated\[gte\])$/i
const CHANGED = [
  'updated_at',
  'updatedAt',
  'updated',
  'modified_at',
  'modifiedAt',
  'last_modified',
  'lastModified',
  'modified',
  'lastUpdated',
  'lastChanged',
  'changed',
]

/** The query and paging of a list, in the words of a manifest. */
export function readOf({ operation, records, record, key }: Listed): Record<string, unknown> {
  const names = operation.parameters.filter((one) => one.in === 'query').map((one) => one.name)
  const pick = (wanted: string[]) => namedLike(names, wanted)
  const query: Record<string, string> = {}
  const size = pick(SIZES)
  if (size) query[size] = '${ page.size }'
  const answer = operation.answer ? typeOfSchema(operation.answer, operation.lookup) : null
  const paging = pagingOf({ cursor: pick(CURSORS), number: pick(NUMBERS), offset: pick(OFFSETS) }, answer, key, query)
  const since = names.find((name) => SINCE.test(name))
  const changed = namedLike(namesOf(record), CHANGED)
  if (since && changed) query[since] = '${ since }'
  return {
    path: pathFor(operation.path),
    ...(Object.keys(query).length ? { query } : {}),
    records,
    ...(size ? { page_size: 100 } : {}),
    ...(paging ? { paging } : {}),
    ...(since && changed
      ? { incremental: { value: `record.${quoted(changed)}`, format: 'iso_seconds', overlap_seconds: 60 } }
      : {}),
  }
}

type Given = { cursor: string | undefined; number: string | undefined; offset: string | undefined }

function pagingOf(
  { cursor, number, offset }: Given,
  answer: Type | null,
  key: string,
  query: Record<string, string>,
): object | null {
  const next = answer ? nextIn(answer) : null
  if (cursor === 'starting_after') {
    query[cursor] = '${ cursor }'
    const more = answer && namesOf(answer).includes('has_more')
    return { kind: 'keyset', key: `record.${quoted(key)}`, ...(more ? { stop: '$not(response.has_more)' } : {}) }
  }
  if (cursor && next) {
    query[cursor] = '${ cursor }'
    return { kind: 'cursor', next }
  }
  if (offset) {
    query[offset] = '${ page.offset }'
    const total =
      answer &&
      ['total', 'total_items', 'totalItems', 'total_count', 'totalCount', 'totalResults'].find((name) =>
        namesOf(answer).includes(name),
      )
    return { kind: 'offset', ...(total ? { total: `response.${total}` } : {}) }
  }
  if (number) {
    query[number] = '${ page.number }'
    return { kind: 'page', first: 1 }
  }
  return next && /link|url|next$/i.test(next) ? { kind: 'next-url', next } : null
}

/** Where an answer names the next page: at its top, or in an object such as `paging` or `meta`. */
function nextIn(answer: Type, path = 'response', depth = 0): string | null {
  const names = namesOf(answer)
  for (const name of ['@odata.nextLink', 'next_link', 'nextLink', 'next_url', ...NEXTS])
    if (names.includes(name)) {
      const found = member(answer, name)
      if (found.kind === 'scalar' || found.kind === 'any') return `${path}.${quoted(name)}`
      if (found.kind === 'schema' && depth < 3)
        return nextIn(found, `${path}.${quoted(name)}`, depth + 1) ?? `${path}.${quoted(name)}`
    }
  if (depth >= 2) return null
  for (const name of names)
    if (/^(paging|page|meta|pagination|links|_links|additional_data)$/i.test(name)) {
      const found = nextIn(member(answer, name), `${path}.${quoted(name)}`, depth + 1)
      if (found) return found
    }
  return null
}
