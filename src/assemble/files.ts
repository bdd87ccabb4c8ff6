import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConnectionConfig, checkHub, type Environment, type HubConfig, type SettingName } from '../config/index.ts'
import { type Catalogue, loadConnectors, type RecordSchema } from '../connector/index.ts'
import { type Finding, isSecretName, nearestName, type Place } from '../core/index.ts'
import { loadEntities } from '../identity/index.ts'
import { checkSync, loadMappings, type StreamAddress, type SyncDefinition } from '../mapping/index.ts'
import { checkAlerts } from './alerts.ts'
import { checkAnalytics } from './analytics.ts'
import { checkEntities } from './entity-files.ts'
import type { HubFiles } from './hub-files.ts'
import { checkKeeping } from './keeping.ts'
import { checkInstallations } from './same-installation.ts'
import { withoutAddress } from './subscriptions.ts'
import { TablesOf } from './tables-of.ts'

export type HubFolder = { dir: string; env?: Environment; flags?: Partial<Record<SettingName, unknown>> }

/** The folder of the package or checkout: `src/assemble` in one, `dist/src/assemble` in the other. */
export const PACKAGE_FOLDER = packageFolder(dirname(fileURLToPath(import.meta.url)))

function packageFolder(here: string): string {
  const root = resolve(here, '../..')
  return root.endsWith('/dist') ? dirname(root) : root
}

/**
 * Reads and checks a hub folder. Collects all findings; throws only when there is no hub file to read. Reads the connectors that
 * connections use, or all of them.
 */
export async function readHubFiles(input: HubFolder, options: { allConnectors?: boolean } = {}): Promise<HubFiles> {
  const config = await checkHub({
    folder: input.dir,
    ...(input.env ? { env: input.env } : {}),
    ...(input.flags ? { flags: input.flags } : {}),
  })
  const { settings } = config
  const used = new Set([...config.connections.values()].map(({ connector }) => connector))
  const catalogue = readConnectors(input.dir, settings.connectors_dir, options.allConnectors ? undefined : used)
  const mappingsFolder = resolve(input.dir, settings.mappings_dir)
  const tables = new TablesOf(input.dir, config)
  const mappings = existsSync(mappingsFolder)
    ? await loadMappings(mappingsFolder, tables.at)
    : { syncs: [], findings: [] }
  const entities = await loadEntities(resolve(input.dir, settings.entities_dir))
  const short = (found: readonly Finding[]): Finding[] => found.map((finding) => withShortPlace(finding, input.dir))
  const own = [
    ...config.findings,
    ...[...config.connections.values()].flatMap((connection) => checkConnection(connection, catalogue)),
    ...mappings.findings,
    ...tables.findings(),
    ...mappings.syncs.flatMap((sync) => checkAgainstHub(sync, mappings.syncs, config, catalogue)),
    ...withoutAddress({ config, catalogue, syncs: mappings.syncs }),
    ...checkKeeping(config, catalogue, mappings.syncs),
    ...checkInstallations(config, mappings.syncs),
    ...entities.findings,
    ...checkEntities(entities.types, config, (reader, address, found) =>
      findStream(reader, address, 'stream', config, catalogue, found),
    ),
    ...checkAnalytics({ config, syncs: mappings.syncs, entities: entities.types }),
    ...checkAlerts({ config, syncs: mappings.syncs }),
  ]
  const ofUsed = catalogue.findings.filter(({ place }) => used.has(basename(dirname(place.file))))
  return {
    config,
    catalogue,
    syncs: mappings.syncs.map((sync) => ({ ...sync, file: shortPath(sync.file, input.dir) })),
    entities: entities.types,
    findings: short([...catalogue.findings, ...own]),
    blocking: short([...ofUsed, ...own]),
  }
}

/** The connector must exist, and the settings must be what it asks for. */
function checkConnection(connection: ConnectionConfig, catalogue: Catalogue): Finding[] {
  if (!catalogue.has(connection.connector)) {
    const own = connection.placeOf(['connector'])
    if (catalogue.names.includes(connection.connector)) {
      const message = `connections.${connection.name}: the connector "${connection.connector}" is not loaded, for its manifest has faults`
      return [{ severity: 'error', code: 'CSW-2001', message, fix: 'Mend its manifest first.', place: own }]
    }
    const message = `connections.${connection.name}: there is no connector "${connection.connector}"`
    return [unknown('CSW-2001', message, connection.connector, catalogue.names, own)]
  }
  // A reference stands for its value, which is looked up when the connection is opened.
  const references = Object.fromEntries(
    Object.entries(connection.secrets).map(([field, { kind, name }]) => [field, `${kind}:${name}`]),
  )
  const connector = catalogue.get(connection.connector)
  const findings = connector.checkSettings({ ...connection.settings, ...references }, (setting) => {
    if (setting === undefined) return connection.placeOf(['settings'])
    return connection.placeOf([Object.hasOwn(references, setting) ? 'secrets' : 'settings', setting])
  })
  return [...findings, ...secretsAmongSettings(connection, connector.secrets)]
}

/** Secrets by what the connector says of them; those whose names tell are found where the hub file is read. */
const secretsAmongSettings = (connection: ConnectionConfig, secrets: readonly string[]): Finding[] =>
  secrets
    .filter((name) => Object.hasOwn(connection.settings, name) && !isSecretName(name))
    .map((name) => ({
      severity: 'warning',
      code: 'CSW-1005',
      message: `connections.${connection.name}.settings.${name}: is a secret of the connector and stands under settings`,
      fix: `Move it to \`secrets:\` as a reference, like ${name}: env:NAME.`,
      place: connection.placeOf(['settings', name]),
    }))

/** The connectors that come with Causeway, and those of the hub folder; all of them, or only some. */
export function readConnectors(dir: string, connectorsDir: string | null, only?: ReadonlySet<string>): Catalogue {
  const shipped = join(PACKAGE_FOLDER, 'connectors')
  const own = connectorsDir === null ? shipped : resolve(dir, connectorsDir)
  return loadConnectors([shipped, ...(own !== shipped && existsSync(own) ? [own] : [])], only)
}

/** A path as a person in the hub folder types it; elsewhere it stays as it is. */
function shortPath(file: string, folder: string): string {
  const short = relative(folder, resolve(folder, file))
  return short.startsWith('..') ? file : short
}

const withShortPlace = (finding: Finding, folder: string): Finding => ({
  ...finding,
  place: { ...finding.place, file: shortPath(finding.place.file, folder) },
})

/** A stream as its connector describes it; undefined where the files know none of that name. */
export function streamOf({ config, catalogue }: HubFiles, { connection, stream }: StreamAddress) {
  const connector = config.connections.get(connection)?.connector
  return connector !== undefined && catalogue.has(connector) ? catalogue.get(connector).streams.get(stream) : undefined
}

/** A mapping's streams must exist and be able to do what the sync asks; then its fields are checked against their schemas. */
export function checkAgainstHub(
  sync: SyncDefinition,
  syncs: readonly SyncDefinition[],
  config: HubConfig,
  catalogue: Catalogue,
): Finding[] {
  const findings: Finding[] = []
  const from = findStream(sync, sync.from, 'from', config, catalogue, findings)
  const to = findStream(sync, sync.to, 'to', config, catalogue, findings)
  const joins = Object.fromEntries(
    sync.joins.map((join) => [join.name, findStream(sync, join.from, 'with', config, catalogue, findings)]),
  )
  if (from && !from.abilities.read) findings.push(cannot(sync, `${sync.from.stream} cannot be read`))
  if (to && !to.abilities.create && !to.abilities.update && !to.abilities.upsert)
    findings.push(cannot(sync, `${sync.to.stream} cannot be written`))
  return from && to ? [...findings, ...checkSync(sync, { from, to, joins, syncs })] : findings
}

function findStream(
  sync: SyncDefinition,
  address: StreamAddress,
  key: string,
  config: HubConfig,
  catalogue: Catalogue,
  findings: Finding[],
) {
  const place: Place = { file: sync.file }
  const connection = config.connections.get(address.connection)
  if (!connection) {
    findings.push(
      unknown(
        'CSW-1007',
        `${key}: there is no connection "${address.connection}"`,
        address.connection,
        config.connections.keys(),
        place,
      ),
    )
    return undefined
  }
  if (!catalogue.has(connection.connector)) return undefined
  const connector = catalogue.get(connection.connector)
  const stream = connector.streams.get(address.stream)
  if (!stream) {
    const names = connector.streams.keys()
    findings.push(
      unknown(
        'CSW-2002',
        `${key}: connector ${connection.connector} has no stream "${address.stream}"`,
        address.stream,
        names,
        place,
      ),
    )
  }
  return stream
}

function unknown(
  code: 'CSW-1007' | 'CSW-2001' | 'CSW-2002',
  message: string,
  wrong: string,
  known: Iterable<string>,
  place: Place,
): Finding {
  const names = [...known]
  const near = nearestName(wrong, names)
  return {
    severity: 'error',
    code,
    message,
    fix: near ? `Did you mean "${near}"?` : `Known: ${names.join(', ') || 'none'}.`,
    place,
  }
}

const cannot = (sync: SyncDefinition, message: string): Finding => ({
  severity: 'error',
  code: 'CSW-2003',
  message,
  fix: 'Choose another stream; `causeway connectors show` prints what each can do.',
  place: { file: sync.file },
})

/** What the target of a sync takes, where its manifest says so. */
export function targetSchema({ config, catalogue }: HubFiles, sync: SyncDefinition): RecordSchema | undefined {
  const connector = config.connections.get(sync.to.connection)?.connector
  return connector !== undefined && catalogue.has(connector)
    ? catalogue.get(connector).streams.get(sync.to.stream)?.writeSchema
    : undefined
}
