/** What the files said when a hub last began to work with them. */
import type pg from 'pg'
import { CausewayError, digest } from '../core/index.ts'
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

/**
 * Keeps what is in force from now on. What stays as it is keeps the time since when. With a basis it refuses (CSW-8024) where
 * something else is in force than that says, with the lock that makes it stay so.
 */
export async function saveConfiguration(
  pool: pg.Pool,
  items: readonly ConfiguredItem[],
  basis?: ConfigurationBasis,
): Promise<void> {
  const columns = [
    items.map(({ kind }) => kind),
    items.map(({ name }) => name),
    items.map(({ fields }) => JSON.stringify(fields)),
    items.map(({ source }) => source ?? null),
  ]
  await withTransaction(pool, async (client) => {
    await client.query('lock table configuration in share row exclusive mode')
    if (basis) demandSame('before', basis, await readItems(client), 'The hub works with something else by now')
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
