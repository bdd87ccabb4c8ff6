/** The files of a hub as a plan compares them: each connection, connector in use, entity and sync by its fields. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { checkHub, type Environment } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { digest, throwOnErrors } from '../core/index.ts'
import type { PlannedItem } from '../http/index.ts'
import type { EntityType } from '../identity/index.ts'
import { type SyncDefinition, type TableFiles, tableFilesOf, tablesBeside } from '../mapping/index.ts'
import { type ConfiguredItem, itemDigest } from '../store/index.ts'
import { readHubFiles } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { checkingEnvironment } from './samples.ts'

type Configured = Pick<HubFiles, 'config' | 'syncs' | 'entities'> & { catalogue: Pick<Catalogue, 'list'> }

/** Connections first, then connectors, entities and syncs. */
export function configurationOf({ config, syncs, entities, catalogue }: Configured): ConfiguredItem[] {
  const connections = [...config.connections.values()]
  const used = new Set(connections.map(({ connector }) => connector))
  const manifests = catalogue.list().map((connector) => connector.describe())
  return [
    ...connections.map((connection): ConfiguredItem => {
      const { name, connector, settings, secrets, allow, maxPerSecond, maxConcurrent, traceparent, tls, keep } =
        connection
      const fields = textsOf({
        connector,
        // Addresses and accounts: that one changed is for everybody to see, what it is may not be.
        ...prefixed('settings', settings, (value) => `#${digest(JSON.stringify(value))}`),
        // Where a secret stands, never what it is.
        ...prefixed('secrets', secrets, ({ kind, name: at }) => `${kind}:${at}`),
        allow,
        ...prefixed('keep', keep, (value) => value),
        max_per_second: maxPerSecond,
        max_concurrent: maxConcurrent,
        ...(traceparent ? { traceparent } : {}),
        tls: { ...tls, key: tls.key && `${tls.key.kind}:${tls.key.name}` },
      })
      return { kind: 'connection', name, fields }
    }),
    ...manifests.filter(({ name }) => used.has(name)).map(({ name, file }) => connectorItem(name, file)),
    ...entities.map(entityItem),
    ...syncs.map((sync): ConfiguredItem => ({ kind: 'sync', name: sync.name, fields: fieldsOf(sync) })),
  ]
}

/** A connector is its manifest and the schemas beside it. */
function connectorItem(name: string, file: string): ConfiguredItem {
  const source = readFileSync(file, 'utf8')
  const folder = join(dirname(file), 'schemas')
  const schemas = existsSync(folder) ? readdirSync(folder).sort() : []
  const texts = schemas
    .filter((one) => one.endsWith('.json'))
    .map((one) => [one, readFileSync(join(folder, one), 'utf8')])
  return {
    kind: 'connector',
    name,
    fields: { manifest: digest(source), schemas: digest(JSON.stringify(texts)) },
    source,
  }
}

/** How records are matched, what of them is shown to whom, and when their streams are pulled. */
function entityItem(type: EntityType): ConfiguredItem {
  const address = ({ connection, stream }: SyncDefinition['from']): string => `${connection}:${stream}`
  const { name, title, version, fields, records, timeline, linkAt, reviewAt, schedule, file } = type
  const rules = fields.map(({ name: field, kind, same, different, take, access }): [string, object] => [
    field,
    { kind, same, different, access, take: take === 'newest' ? take : take.map(address) },
  ])
  return {
    kind: 'entity',
    name,
    fields: textsOf({
      title,
      matching: version,
      link_at: linkAt,
      review_at: reviewAt,
      records: records.map(({ from }) => address(from)),
      timeline: timeline.map(({ from, kind }) => `${kind} ${address(from)}`),
      schedule,
      ...prefixed('fields', Object.fromEntries(rules), (value) => JSON.stringify(value)),
    }),
    source: readFileSync(file, 'utf8'),
  }
}

function fieldsOf(sync: SyncDefinition): Record<string, string> {
  const address = (end: SyncDefinition['from']): string => `${end.connection}:${end.stream}`
  const { version, match, mode, onLeave, deletes, onDoubt, content, deleteLimits, graceMs, schedule } = sync
  return textsOf({
    from: address(sync.from),
    to: address(sync.to),
    mapping: version,
    match,
    mode,
    on_leave: onLeave,
    deletes,
    delete_limits: deleteLimits,
    grace_ms: graceMs,
    on_doubt: onDoubt,
    ...(sync.onDrift ? { on_drift: sync.onDrift } : {}),
    content,
    schedule,
    full: sync.fullSchedule,
    lanes: sync.lanes,
    retry: sync.retry,
    tags: sync.tags,
  })
}

const textsOf = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )

const prefixed = <V>(under: string, values: Readonly<Record<string, V>>, text: (value: V) => string) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${under}.${name}`, text(value)]))

/**
 * What the files of a folder say now, with the text of each mapping and manifest, and of a mapping those of its table files.
 * Throws the first error in them.
 */
export async function folderConfiguration(
  dir: string,
  env: Environment = process.env,
): Promise<(PlannedItem & { tables?: TableFiles })[]> {
  const files = await readHubFiles({ dir, env: await checkingEnvironment(dir, env) })
  // A mapping that cannot be read would look like one that was removed.
  throwOnErrors(files.blocking)
  const syncs = new Map(files.syncs.map((sync) => [sync.name, sync]))
  return configurationOf(files).map((item) => {
    const sync = item.kind === 'sync' ? syncs.get(item.name) : undefined
    return {
      ...item,
      digest: itemDigest(item),
      source: item.source ?? sync?.source ?? null,
      ...(sync ? { tables: tableTexts(dir, sync) } : {}),
    }
  })
}

/** The configuration of files that were read for work: where sample systems happen to listen is none of it. */
export async function configurationInForce(files: HubFiles, env: Environment): Promise<ConfiguredItem[]> {
  const { folder, settings } = files.config
  if (!settings.samples) return configurationOf(files)
  return configurationOf({ ...files, config: await checkHub({ folder, env: await checkingEnvironment(folder, env) }) })
}

function tableTexts(dir: string, { source, file }: SyncDefinition): TableFiles {
  const beside = tablesBeside(resolve(dir, file))
  return Object.fromEntries(tableFilesOf(source).map((path) => [path, beside.read(path)]))
}
