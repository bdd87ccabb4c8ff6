/** The files of a hub as a plan compares them: each connection and sync by its fields. */
import { digest, throwOnErrors } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import type { ConfiguredItem } from '../store/index.ts'
import { type HubFiles, readHubFiles } from './files.ts'
import { checkingEnvironment } from './samples.ts'

export function configurationOf({ config, syncs }: Pick<HubFiles, 'config' | 'syncs'>): ConfiguredItem[] {
  const connections = [...config.connections.values()].map((connection): ConfiguredItem => {
    const { name, connector, settings, secrets, allow, maxPerSecond, maxConcurrent, tls, keep } = connection
    return {
      kind: 'connection',
      name,
      fields: textsOf({
        connector,
        // Addresses and accounts: that one changed is for everybody to see, what it is may not be.
        ...prefixed('settings', settings, (value) => `#${digest(JSON.stringify(value))}`),
        // Where a secret stands, never what it is.
        ...prefixed('secrets', secrets, ({ kind, name: at }) => `${kind}:${at}`),
        allow,
        ...prefixed('keep', keep, (value) => value),
        max_per_second: maxPerSecond,
        max_concurrent: maxConcurrent,
        tls: { ...tls, key: tls.key && `${tls.key.kind}:${tls.key.name}` },
      }),
    }
  })
  return [
    ...connections,
    ...syncs.map((sync): ConfiguredItem => ({ kind: 'sync', name: sync.name, fields: fieldsOf(sync) })),
  ]
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

/** What the files of a folder say now, with the text of each mapping. Throws the first error in them. */
export async function folderConfiguration(dir: string): Promise<(ConfiguredItem & { source: string | null })[]> {
  const files = await readHubFiles({ dir, env: await checkingEnvironment(dir, process.env) })
  // A mapping that cannot be read would look like one that was removed.
  throwOnErrors(files.blocking)
  const sources = new Map(files.syncs.map(({ name, source }) => [name, source]))
  return configurationOf(files).map((item) => ({
    ...item,
    source: item.kind === 'sync' ? (sources.get(item.name) ?? null) : null,
  }))
}
