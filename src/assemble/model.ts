import type { ConnectionConfig } from '../config/index.ts'
import { type JsonPaths, widestPaths } from '../core/index.ts'
import type { EntityType } from '../identity/index.ts'
import type { StreamAddress, SyncDefinition } from '../mapping/index.ts'
import type { HubModel } from '../pipeline/index.ts'
import type { HubRegistry, HubShape, Keeping } from '../store/index.ts'

const addressKey = ({ connection, stream }: StreamAddress): string => `${connection}:${stream}`

/** What the ledger must know of the files: connections, the streams that syncs touch with their key fields, syncs. */
export function toShape(
  connections: Iterable<Pick<ConnectionConfig, 'name' | 'connector' | 'maxPerSecond' | 'keep'>>,
  syncs: readonly SyncDefinition[],
  entities: readonly EntityType[] = [],
): HubShape {
  const readers = embeddedOf(entities)
  const all = [...connections]
  const keep = new Map(all.map((connection) => [connection.name, connection.keep]))
  const keyFields = new Map<string, { address: StreamAddress; fields: Set<string> }>()
  const touch = (address: StreamAddress, fields: string[] = []): void => {
    const key = addressKey(address)
    const entry = keyFields.get(key) ?? { address, fields: new Set<string>() }
    for (const field of fields) entry.fields.add(field)
    keyFields.set(key, entry)
  }
  for (const sync of syncs) {
    touch(sync.from)
    touch(sync.to, sync.match.flat())
    for (const join of sync.joins) touch(join.from, join.field === null ? [] : [join.field])
  }
  for (const reader of readers) touch(reader.from)
  return {
    connections: all.map(({ name, connector, maxPerSecond }) => ({ name, connector, maxPerSecond })),
    streams: [...keyFields.values()].map(({ address, fields }) => ({
      connection: address.connection,
      name: address.stream,
      keyFields: [...fields],
      keeping: keepingOf(keep.get(address.connection), address.stream),
      keptFields: pathsReadOf(address, [...syncs, ...readers]).map((path) => JSON.stringify(path)),
    })),
    syncs: syncs.map(({ name, from, to, version, source }) => ({ name, from, to, version, source })),
  }
}

/** What syncs read of a stream: as their source, joined, or as the target whose fields they compare with. */
export function pathsReadOf(address: StreamAddress, syncs: readonly SyncDefinition[]): JsonPaths {
  const own = addressKey(address)
  return widestPaths(
    syncs.flatMap((sync) => [
      ...(addressKey(sync.from) === own ? (sync.reads?.source ?? [[]]) : []),
      ...sync.joins.flatMap((join) => (addressKey(join.from) === own ? (sync.reads?.joins[join.name] ?? [[]]) : [])),
      ...(addressKey(sync.to) === own ? (sync.writes ?? []).map((field) => [field]) : []),
    ]),
  )
}

/** The configured syncs and streams under their ledger ids, ready for look-ups on the hot path. */
export function toModel(
  registry: HubRegistry,
  definitions: readonly SyncDefinition[],
  entities: readonly EntityType[] = [],
): HubModel {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]))
  const syncs = registry.syncs.flatMap((row) => {
    const definition = byName.get(row.name)
    return definition ? [{ row, definition }] : []
  })
  const streamIds = new Map(
    registry.streams.map((row) => [addressKey({ connection: row.connection, stream: row.name }), row.id]),
  )
  const keepings = new Map(registry.streams.map((row) => [row.id, row.keeping]))
  const partly = new Set(registry.streams.flatMap((row) => (row.keeping === 'full' ? [] : [row.connection])))
  const addresses = new Map(registry.streams.map((row) => [row.id, { connection: row.connection, stream: row.name }]))
  const connectionIds = new Map(registry.connections.map((row) => [row.name, row.id]))
  const followers = new Map<number, HubModel extends { followers(id: number): infer R } ? R : never>()
  for (const sync of syncs) {
    const joined = sync.definition.joins.flatMap((join) => streamIds.get(addressKey(join.from)) ?? [])
    for (const id of new Set([sync.row.fromStream, ...joined])) followers.set(id, [...(followers.get(id) ?? []), sync])
  }
  const byId = new Map(syncs.map((sync) => [sync.row.id, sync]))
  return {
    sync: (id) => byId.get(id),
    syncByName: (name) => syncs.find(({ row }) => row.name === name),
    followers: (streamId) => followers.get(streamId) ?? [],
    syncs: () => syncs,
    streamId: (address) => streamIds.get(addressKey(address)),
    address: (id) => addresses.get(id),
    connectionId: (name) => connectionIds.get(name),
    entities: entities.map(({ name, records }) => ({
      name,
      streams: records.flatMap(({ from }) => streamIds.get(addressKey(from)) ?? []),
    })),
    keeping: (id) => keepings.get(id) ?? 'full',
    keepsPartOf: (name) => partly.has(name),
  }
}

/** How the hub file says that a stream is kept. */
export const keepingOf = (keep: ConnectionConfig['keep'] | undefined, stream: string): Keeping =>
  keep && Object.hasOwn(keep, stream) ? keep[stream]! : (keep?.['*'] ?? 'full')

/** The mappings inside entity files: each reads a stream and writes to none. */
export const embeddedOf = (types: readonly EntityType[]): SyncDefinition[] =>
  types.flatMap(({ records, timeline }) => [...records.map(({ view }) => view), ...timeline.map(({ event }) => event)])
