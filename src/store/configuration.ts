/** What the files said when a hub last began to work with them. */
import type pg from 'pg'
import { CausewayError, digest } from '../core/index.ts'
import { auditAllowances, auditUnnoted } from './allowances.ts'
import { type ItemChange, keepVersion, latestVersion, type NewVersion, namedChanges } from './configuration-versions.ts'
import { withTransaction } from './transaction.ts'

type ConfiguredKind = 'connection' | 'connector' | 'entity' | 'sync'
/** A connection, a connector in use, an entity or a sync by its fields, as text; values that are not for showing stand as `#` and a digest. */
export type ConfiguredItem = {
  kind: ConfiguredKind
  name: string
  fields: Record<string, string>
  /** The text of a manifest or an entity file, where it is one. That of a mapping is kept by version. */
  source?: string | null
}

/** What a plan of the configuration started from and leads to: each item by its digest, null where it is not there. */
export type ConfigurationBasis = {
  kind: ConfiguredKind
  name: string
  before: string | null
  after: string | null
}[]

/** The same for the same fields, in whatever order. */
export const itemDigest = ({ fields }: Pick<ConfiguredItem, 'fields'>): string =>
  digest(JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))))

/** What was in force at some moment; whoever reads files after it learns from it whether others put something else into force meanwhile. */
export type InForce = { version: number | null; digest: string | null; items: ConfigurationBasis }

/** What is in force now. */
export async function readInForce(pool: pg.Pool | pg.PoolClient): Promise<InForce> {
  const [latest, items] = [await latestVersion(pool), await readItems(pool)]
  return { version: latest?.id ?? null, digest: latest?.digest ?? null, items: basisOf(items) }
}

export type Coming = {
  items: readonly ConfiguredItem[]
  /** Its files, which are kept unless they are those in force already. */
  version?: NewVersion
}

/**
 * Keeps what is in force from now on. What stays as it is keeps the time since when. With a basis it refuses (CSW-8024) where
 * something else is in force than that says, with the lock that makes it stay so. A function is called under that lock: files that it
 * writes are put into force by no other process that sees them first. It may be called again after a conflict.
 */
export async function saveConfiguration(
  pool: pg.Pool,
  coming: Coming | (() => Promise<Coming>),
  basis?: ConfigurationBasis,
): Promise<void> {
  await withTransaction(pool, async (client) => {
    await client.query(LOCK)
    if (basis) demandSame('before', basis, await readItems(client), 'The hub works with something else by now')
    await putInForce(client, typeof coming === 'function' ? await coming() : coming)
  })
}

/**
 * The same for files that were read after `since` was in force. False, and nothing is kept, where something else came into force
 * after that: the files may be older than it, and are to be read again.
 */
export function saveUnlessOvertaken(pool: pg.Pool, coming: Coming, since: InForce): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    await client.query(LOCK)
    if (JSON.stringify(await readInForce(client)) !== JSON.stringify(since)) return false
    await putInForce(client, coming)
    return true
  })
}

/** Notes what connections are allowed that nobody noted: it came into force before that was done. */
export async function auditStanding(pool: pg.Pool): Promise<void> {
  await withTransaction(pool, async (client) => {
    // Nothing comes into force between the look at what is and the note.
    await client.query(LOCK)
    const version = await latestVersion(client)
    if (version) await auditUnnoted(client, await readItems(client), version.id)
  })
}

const LOCK = 'lock table configuration in share row exclusive mode'

async function putInForce(client: pg.PoolClient, { items, version }: Coming): Promise<void> {
  const before = await readItems(client)
  const columns = [
    items.map(({ kind }) => kind),
    items.map(({ name }) => name),
    items.map(({ fields }) => JSON.stringify(fields)),
    items.map(({ source }) => source ?? null),
  ]
  await client.query(
    `delete from configuration
      where (kind, name) not in (select * from unnest($1::text[], $2::text[]))`,
    columns.slice(0, 2),
  )
  await client.query(
    `insert into configuration (kind, name, fields, source)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
     on conflict (kind, name) do update set fields = excluded.fields, source = excluded.source, since = now()
     where configuration.fields <> excluded.fields`,
    columns,
  )
  if (!version) return
  const id = await keepVersion(client, version, itemChanges(before, items))
  await auditAllowances(client, before, items, { ...version, id })
}

function itemChanges(before: readonly ConfiguredItem[], after: readonly ConfiguredItem[]): ItemChange[] {
  const byName = (items: readonly ConfiguredItem[]) =>
    new Map(items.map((item) => [`${item.kind} ${item.name}`, itemDigest(item)]))
  return namedChanges(byName(before), byName(after)).map(({ name, change }) => {
    const space = name.indexOf(' ')
    return { kind: name.slice(0, space), name: name.slice(space + 1), change }
  })
}

/** Whether these items are what is in force. */
export async function isInForce(pool: pg.Pool, items: readonly ConfiguredItem[]): Promise<boolean> {
  return movedFrom('before', basisOf(items), await readItems(pool)).length === 0
}

const basisOf = (items: readonly ConfiguredItem[]): ConfigurationBasis =>
  items.map((item) => ({ kind: item.kind, name: item.name, before: itemDigest(item), after: null }))

async function readItems(client: pg.Pool | pg.PoolClient): Promise<ConfiguredItem[]> {
  const { rows } = await client.query<{ kind: ConfiguredKind; name: string; fields: string }>(
    'select kind, name, fields from configuration order by kind, name',
  )
  return rows.map((row) => ({ ...row, fields: JSON.parse(row.fields) as Record<string, string> }))
}

/** Throws CSW-8024 with the names of what differs from one side of a basis. */
export function demandSame(
  side: 'before' | 'after',
  basis: ConfigurationBasis,
  items: readonly ConfiguredItem[],
  what: string,
): void {
  const moved = movedFrom(side, basis, items)
  if (moved.length > 0) throw new CausewayError('CSW-8024', { what: `${what}: ${moved.join(', ')}.` })
}

function movedFrom(side: 'before' | 'after', basis: ConfigurationBasis, items: readonly ConfiguredItem[]): string[] {
  const key = ({ kind, name }: { kind: string; name: string }): string => `${kind} ${name}`
  const planned = new Map(basis.flatMap((item) => (item[side] === null ? [] : [[key(item), item[side]]])))
  const present = new Map(items.map((item) => [key(item), itemDigest(item)]))
  return [...new Set([...planned.keys(), ...present.keys()])]
    .filter((one) => planned.get(one) !== present.get(one))
    .sort()
}
