/** Reading a stream in parts: one per value of a list, or one per record of another stream. */
import { digest, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { SourceRecord } from '../contract.ts'
import {
  asText,
  data,
  expression,
  flag,
  integer,
  type PartFinding,
  part,
  type Scope,
  section,
  text,
  type ValueOf,
  variant,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { isTrue } from './errors.ts'
import { listOf, usedNames } from './read-checks.ts'

/** What the expressions of a read may say of the part that is being read. */
export const EACH_NAMES = ['parent', 'partition'] as const
const NAMES = [...EACH_NAMES, 'settings'] as const

const add = data({
  sense: 'Fields added to each record, so that `key` and mappings know where it belongs.',
  names: NAMES,
  example: { list_id: `\${ parent.id }` },
})

const values = part({
  title: 'For each value',
  sense: 'The stream is read once for each value of a list, which requests see as `partition`.',
  fields: {
    values: expression({
      sense: 'The values: texts, numbers or objects.',
      names: ['settings'],
      required: true,
      example: '["seller", "buyer"]',
    }),
    add,
  },
  example: `
streams:
  invoices:
    title: Invoices
    key: record.number
    read:
      for_each: { kind: values, values: '["seller", "buyer"]', add: { role: "\${ partition }" } }
      path: /invoices
      query: { role: "\${ partition }", changed_since: "\${ since }", page: "\${ page.number }" }
      records: response.invoices
      paging: { kind: page }
      incremental: { value: record.changed }
`,
})

const embeddedPart = part({
  title: 'First page in the parent',
  sense:
    'The record of the parent already holds the first records: they are taken from there, and more are asked for where there are more.',
  fields: {
    records: expression({
      sense: 'The records in the parent.',
      names: ['parent', 'settings'],
      required: true,
      example: 'parent.lines.nodes',
    }),
    next: expression({
      sense: 'The cursor of the next page; no value means that all are there.',
      names: ['parent', 'settings'],
      example: 'parent.lines.pageInfo.hasNextPage ? parent.lines.pageInfo.endCursor',
    }),
  },
  example: `
streams:
  orders: { title: Orders, key: record.id, read: { path: /orders, records: response.orders } }
  lines:
    title: Lines
    key: record.id
    read:
      for_each:
        kind: parent
        stream: orders
        embedded: { records: parent.lines, next: parent.more_lines }
      path: /orders/\${ parent.id }/lines
      query: { after: "\${ cursor }" }
      records: response.lines
      paging: { kind: cursor, next: response.next }
`,
})

const parent = part({
  title: 'For each parent',
  sense:
    'The stream is read once for each record of another stream, which requests see as `parent`. Parents are read page by page, so that any number of them fits; a pull that broke off goes on with the parent it was at.',
  fields: {
    stream: text({ sense: 'The stream of the parents. It may have parents itself.', required: true, example: 'lists' }),
    when: expression({
      sense: 'True for the parents that have records; without it, all.',
      names: ['parent', 'settings'],
      example: 'parent.type = "folder"',
    }),
    changed: flag({
      sense:
        'For parents whose time of change moves with their records: an incremental pull looks at changed parents only, and reads all of their records.',
      default: false,
    }),
    add,
    embedded: section(embeddedPart, { sense: 'Where the first page comes with the parent.' }),
  },
  example: `
streams:
  lists: { title: Lists, key: record.id, read: { path: /lists, records: response.lists } }
  members:
    title: Members
    key: record.list_id & "/" & record.id
    read:
      for_each: { kind: parent, stream: lists, add: { list_id: "\${ parent.id }" } }
      path: /lists/\${ parent.id }/members
      query: { since: "\${ since }", offset: "\${ page.offset }" }
      records: response.members
      paging: { kind: offset }
      incremental: { value: record.changed }
`,
})

const tree = part({
  title: 'For each node of a tree',
  sense:
    'The stream is read once for each node of a tree (folder by folder), from its roots on; requests see the id of the node as `partition`. Nodes below are found in the answers, and each is read once, also where the tree leads back into itself. With `server_cursor` (with `begin`) changes are asked for once and for the whole tree: `since` then has a value and `partition` has none.',
  fields: {
    roots: expression({
      sense: 'Ids of the nodes to begin with.',
      names: ['settings'],
      required: true,
      example: 'settings.folders',
    }),
    children: expression({
      sense: 'Ids of the nodes that an answer names.',
      names: [...ANSWER_NAMES, 'partition'],
      required: true,
      example: 'response.entries[type = "folder"].id',
    }),
    most: integer({
      sense:
        'Most nodes of a tree; their ids are stored while it is read. A larger tree is refused rather than read in part.',
      default: 10_000,
      minimum: 1,
      maximum: 100_000,
    }),
    add,
  },
  example: `
streams:
  files:
    title: Files
    key: record.id
    read:
      for_each: { kind: tree, roots: '["0"]', children: 'response.entries[type = "folder"].id' }
      path: /folders/\${ partition }/items
      query: { marker: "\${ cursor }" }
      records: response.entries[type = "file"]
      paging: { kind: cursor, next: response.next }
`,
})

export const forEachField = variant(
  'kind',
  { values, parent, tree },
  {
    sense:
      'Reads the stream in parts. With `incremental` or `server_cursor` each part keeps a mark of its own (up to 5,000 parts; what lies beyond is read whole each time).',
  },
)
export type ForEach = NonNullable<(typeof forEachField)['type']>
export type TreeEach = { readonly kind: 'tree' } & ValueOf<typeof tree>
export type ParentEach = { readonly kind: 'parent' } & ValueOf<typeof parent>

/** One part of a stream. */
export type Partition = {
  /** Tells the parts of a stream apart, between pulls too. */
  key: string
  /** `partition` or `parent`, for expressions. */
  names: Scope
  add: JsonObject | null
  first?: { bodies: Json[]; next?: Json; requestedAt: Date }
}

export function partitionsOfValues(spec: Extract<ForEach, { kind: 'values' }>, settings: JsonObject): Partition[] {
  return listOf(spec.values.evaluate({ settings })).map((value) => {
    const names = { partition: value }
    return { key: asText(value), names, add: addedBy(spec, { ...names, settings }) }
  })
}

/** The part that belongs to a record of the parent stream, or null where `when` leaves it out. */
export function partitionOfParent(
  spec: ParentEach,
  record: SourceRecord,
  requestedAt: Date,
  settings: JsonObject,
): Partition | null {
  const names = { parent: record.body }
  const scope = { ...names, settings }
  if (record.deleted || (spec.when && !isTrue(spec.when.evaluate(scope)))) return null
  const next = spec.embedded?.next?.evaluate(scope)
  return {
    key: record.id,
    names,
    add: addedBy(spec, scope),
    ...(spec.embedded
      ? {
          first: {
            bodies: listOf(spec.embedded.records.evaluate(scope)),
            ...(next === undefined || next === null || next === '' || next === false ? {} : { next: next as Json }),
            requestedAt,
          },
        }
      : {}),
  }
}

export function addedBy({ add }: ForEach, scope: Scope): JsonObject | null {
  const added = add?.evaluate(scope)
  return isObject(added) ? (added as JsonObject) : null
}

/** Under which name the mark of a part is kept. */
export const markName = (key: string): string => (key.length <= 40 ? key : digest(key).slice(0, 32))

/** A request that does not say which part it wants reads the same records for each of them. */
export function unusedPartition(request: object, each: ForEach | undefined): PartFinding[] {
  if (!each) return []
  const name = each.kind === 'parent' ? 'parent' : 'partition'
  return usedNames(request).has(name)
    ? []
    : [
        {
          field: 'for_each',
          message: `the request never sends \`${name}\`, so every part would hold the same records`,
          fix: `Put \`\${ ${name}${name === 'parent' ? '.id' : ''} }\` into the path, the query or the body.`,
        },
      ]
}

/** Of a tree changes are asked for once, from a mark that was there before the walk. */
export function unknownChanges(
  each: ForEach | undefined,
  { incremental, server_cursor }: { incremental?: object | undefined; server_cursor?: { begin?: unknown } | undefined },
): PartFinding[] {
  if (each?.kind !== 'tree') return []
  const fix = 'Use `server_cursor` with `begin`, or read the tree in full each time.'
  if (incremental)
    return [{ field: 'incremental', message: 'a node that did not change may have changed nodes below it', fix }]
  return server_cursor && !server_cursor.begin
    ? [{ field: 'server_cursor', message: 'what changes while the tree is read would be missed', fix }]
    : []
}

/** What is wrong with the parent of a stream, or nothing. `readOf` gives the `read` of a stream of the same connector. */
export function parentFindings(
  stream: string,
  each: ForEach | undefined,
  readOf: (stream: string) => { for_each?: ForEach | undefined } | undefined | null,
): PartFinding[] {
  if (each?.kind !== 'parent') return []
  const finding = (message: string, fix: string) => [{ field: 'read.for_each.stream', message, fix }]
  for (let name = each.stream, path = [stream]; ; ) {
    if (path.includes(name)) return finding(`${[...path, name].join(' → ')} is a circle`, 'Name another parent.')
    const read = readOf(name)
    if (read === null) return finding(`there is no stream "${name}"`, 'Name a stream of this connector.')
    if (!read) return finding(`the stream "${name}" cannot be read`, 'Give it a `read`.')
    if (read.for_each?.kind !== 'parent') return []
    path = [...path, name]
    name = read.for_each.stream
  }
}
