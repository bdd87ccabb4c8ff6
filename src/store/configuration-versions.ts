/** The configurations that came into force, each with its files as they stood. */
import type pg from 'pg'
import { CausewayError, digest } from '../core/index.ts'

export type KeptFile = {
  /** From the hub folder, with `/`. */
  path: string
  content: Buffer
  /** Over what is kept. */
  digest: string
  /** A secret stood in it and is masked: what is kept is not the file. */
  masked: boolean
}

/** What comes into force, and by whom. */
export type NewVersion = {
  files: readonly KeptFile[]
  environment: string | null
  mappings: readonly { sync: string; version: string }[]
  how: 'start' | 'edit' | 'plan' | 'roll_back'
  actor: string
  host: string
  reason?: string | null
  backTo?: number
}

export type ItemChange = { kind: string; name: string; change: 'added' | 'changed' | 'removed' }
type FileChange = { path: string; change: ItemChange['change'] }
export type VersionChanges = { files: FileChange[]; items: ItemChange[] }

/** The same for the same files in the same environment. */
export const versionDigest = ({ files, environment }: Pick<NewVersion, 'files' | 'environment'>): string =>
  digest(
    JSON.stringify([
      environment,
      ...files.map((file) => [file.path, file.digest]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
    ]),
  )

/** The last one; null where none was kept yet. */
export async function latestVersion(client: pg.Pool | pg.PoolClient): Promise<{ id: number; digest: string } | null> {
  const { rows } = await client.query<{ id: number; digest: string }>(
    'select id, digest from configuration_version order by id desc limit 1',
  )
  return rows[0] ?? null
}

/**
 * Keeps a version, unless it is the last one again, and gives its number either way. Inside the transaction that puts its items into force, which holds the lock
 * that keeps others from doing the same.
 */
export async function keepVersion(
  client: pg.PoolClient,
  version: NewVersion,
  items: readonly ItemChange[],
): Promise<number> {
  const whole = versionDigest(version)
  const last = await latestVersion(client)
  if (last?.digest === whole) return last.id
  const changes: VersionChanges = {
    files: await fileChanges(client, last?.id ?? null, version.files),
    items: [...items],
  }
  const { rows } = await client.query<{ id: number }>(
    `insert into configuration_version (digest, environment, how, actor, host, reason, back_to, changes)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
    [
      whole,
      version.environment,
      version.how,
      version.actor,
      version.host,
      version.reason ?? null,
      version.backTo ?? null,
      JSON.stringify(changes),
    ],
  )
  const id = rows[0]!.id
  await keepFiles(client, id, version.files)
  await client.query(
    `insert into configuration_version_mapping (version_id, sync, mapping_version)
     select $1, * from unnest($2::text[], $3::text[])`,
    [id, version.mappings.map(({ sync }) => sync), version.mappings.map((one) => one.version)],
  )
  return id
}

async function keepFiles(client: pg.PoolClient, id: number, files: readonly KeptFile[]): Promise<void> {
  const unique = [...new Map(files.map((file) => [file.digest, file])).values()]
  // The update locks a file that is there already, so that retention does not take it away at this moment.
  await client.query(
    `insert into configuration_file (digest, content)
     select * from unnest($1::text[], $2::bytea[]) order by 1
     on conflict (digest) do update set digest = excluded.digest`,
    [unique.map((file) => file.digest), unique.map(({ content }) => content)],
  )
  await client.query(
    `insert into configuration_version_file (version_id, path, digest, masked)
     select $1, * from unnest($2::text[], $3::text[], $4::boolean[])`,
    [id, files.map(({ path }) => path), files.map((file) => file.digest), files.map(({ masked }) => masked)],
  )
}

/** The files of a version, as they are kept. */
export async function readKeptFiles(pool: pg.Pool, version: number): Promise<KeptFile[]> {
  const { rows } = await pool.query<KeptFile>(
    `select f.path, f.digest, f.masked, c.content
       from configuration_version_file f join configuration_file c using (digest)
      where f.version_id = $1 order by f.path`,
    [version],
  )
  if (rows.length === 0)
    throw new CausewayError('CSW-1007', { what: `There is no version ${version} of the configuration.` })
  return rows
}

async function fileChanges(
  client: pg.PoolClient,
  last: number | null,
  files: readonly KeptFile[],
): Promise<FileChange[]> {
  const { rows } = await client.query<{ path: string; digest: string }>(
    'select path, digest from configuration_version_file where version_id = $1',
    [last],
  )
  return namedChanges(
    new Map(rows.map((row) => [row.path, row.digest])),
    new Map(files.map((file) => [file.path, file.digest])),
  ).map(({ name: path, change }) => ({ path, change }))
}

/** What differs between two sets of names with digests, by name. */
export function namedChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): { name: string; change: ItemChange['change'] }[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)]
    if (was === is) return []
    return [{ name, change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed' }]
  })
}
