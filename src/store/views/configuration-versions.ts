import type { ItemChange, NewVersion, VersionChanges } from '../configuration-versions.ts'
import { type Database, firstRow, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'

export type ConfigurationVersionView = VersionChanges & {
  version: number
  at: Date
  how: NewVersion['how']
  actor: string
  host: string
  reason: string | null
  environment: string | null
  backTo: number | null
  /** The version before it; null where that is kept no longer. */
  previous: number | null
  inForce: boolean
}

/** `sync` with `mapping`: those in which the sync had that version of its mapping. */
export type VersionFilter = { sync?: string; mapping?: string; cursor?: string; limit: number }

type VersionRow = Omit<ConfigurationVersionView, keyof VersionChanges> & { changes: string }

const COLUMNS = `v.id as version, v.at, v.how, v.actor, v.host, v.reason, v.environment, v.back_to as "backTo", v.changes,
  (select max(id) from configuration_version b where b.id < v.id) as previous,
  v.id = (select max(id) from configuration_version) as "inForce"`

const viewOf = ({ changes, ...row }: VersionRow): ConfigurationVersionView => ({
  ...row,
  ...(JSON.parse(changes) as VersionChanges),
})

/** The configurations that came into force, newest first. */
export async function listConfigurationVersions(
  db: Database,
  filter: VersionFilter,
): Promise<Page<ConfigurationVersionView>> {
  const where = new Conditions().add(
    'v.id < ?',
    filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'),
  )
  if (filter.sync !== undefined || filter.mapping !== undefined) {
    const [sync, mapping] = [filter.sync, filter.mapping].map((value) => `${where.parameter(value ?? null)}::text`)
    where.always(
      `v.id in (select version_id from configuration_version_mapping
         where sync = coalesce(${sync}, sync) and mapping_version = coalesce(${mapping}, mapping_version))`,
    )
  }
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<VersionRow>(
    db,
    `select ${COLUMNS} from configuration_version v ${where.where} order by v.id desc limit ${limit}`,
    where.values,
  )
  return toPage(found.map(viewOf), filter.limit, ({ version }) => version)
}

export type VersionFileView = { path: string; digest: string; bytes: number; masked: boolean }

/** One with its files; undefined where there is none, or it is kept no longer. */
export async function showConfigurationVersion(
  db: Database,
  version: number,
): Promise<(ConfigurationVersionView & { kept: VersionFileView[] }) | undefined> {
  const found = await firstRow<VersionRow>(db, `select ${COLUMNS} from configuration_version v where v.id = $1`, [
    version,
  ])
  if (!found) return undefined
  const kept = await rows<VersionFileView>(
    db,
    `select f.path, f.digest, f.masked, octet_length(c.content) as bytes
       from configuration_version_file f join configuration_file c using (digest)
      where f.version_id = $1 order by f.path`,
    [version],
  )
  return { ...viewOf(found), kept }
}

/** A file as it stood, secrets masked. */
export async function readVersionFile(
  db: Database,
  version: number,
  path: string,
): Promise<{ content: Buffer; masked: boolean } | undefined> {
  return firstRow(
    db,
    `select c.content, f.masked from configuration_version_file f join configuration_file c using (digest)
      where f.version_id = $1 and f.path = $2`,
    [version, path],
  )
}

type FileDifference = {
  path: string
  change: ItemChange['change']
  masked: boolean
  /** Null where the version has no such file. */
  before: Buffer | null
  after: Buffer | null
}

/** The files that differ between two versions, by path. */
export async function compareVersions(db: Database, before: number, after: number): Promise<FileDifference[]> {
  const found = await rows<Omit<FileDifference, 'change'>>(
    db,
    `select path, coalesce(b.masked, false) or coalesce(a.masked, false) as masked, old.content as before, young.content as after
       from (select * from configuration_version_file where version_id = $1) b
       full join (select * from configuration_version_file where version_id = $2) a using (path)
       left join configuration_file old on old.digest = b.digest
       left join configuration_file young on young.digest = a.digest
      where b.digest is distinct from a.digest order by path`,
    [before, after],
  )
  return found.map((row) => ({
    ...row,
    change: row.before === null ? 'added' : row.after === null ? 'removed' : 'changed',
  }))
}

export type MappingVersionView = {
  version: string
  firstUsedAt: Date
  /** The newest versions of the configuration in which the sync had it; at most ten. */
  configurations: number[]
}

const MAPPING_COLUMNS = `m.version, m.first_used_at as "firstUsedAt",
  array(select v.version_id from configuration_version_mapping v where v.sync = m.sync and v.mapping_version = m.version
         order by v.version_id desc limit 10) as configurations`
/** Sorts like the time, and is the cursor of the list. */
const MAPPING_KEY = `to_char(m.first_used_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || ' ' || m.version`

/** The versions of a sync's mapping, the one used last begun first. Runs and deliveries name them. */
export async function listMappingVersions(
  db: Database,
  sync: string,
  filter: { cursor?: string; limit: number },
): Promise<Page<MappingVersionView>> {
  const where = new Conditions()
    .add('m.sync = ?', sync)
    .add(`${MAPPING_KEY} < ?`, filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'string'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<MappingVersionView & { key: string }>(
    db,
    `select ${MAPPING_COLUMNS}, ${MAPPING_KEY} as key from mapping_version m ${where.where}
      order by key desc limit ${limit}`,
    where.values,
  )
  const { items, next } = toPage(found, filter.limit, ({ key }) => key)
  return { items: items.map(({ key: _, ...item }) => item), next }
}

/** One of them with its text. */
export function showMappingVersion(
  db: Database,
  sync: string,
  version: string,
): Promise<(MappingVersionView & { source: string }) | undefined> {
  return firstRow(
    db,
    `select ${MAPPING_COLUMNS}, m.source from mapping_version m where m.sync = $1 and m.version = $2`,
    [sync, version],
  )
}
