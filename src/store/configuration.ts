/** What the files said when a hub last began to work with them. */
import type pg from 'pg'
import { withTransaction } from './transaction.ts'

/** A connection or a sync by its fields, as text; values that are not for showing stand as `#` and a digest. */
export type ConfiguredItem = { kind: 'connection' | 'sync'; name: string; fields: Record<string, string> }

/** Keeps what is in force from now on. What stays as it is keeps the time since when. */
export async function saveConfiguration(pool: pg.Pool, items: readonly ConfiguredItem[]): Promise<void> {
  const columns = [
    items.map(({ kind }) => kind),
    items.map(({ name }) => name),
    items.map(({ fields }) => JSON.stringify(fields)),
  ]
  await withTransaction(pool, async (client) => {
    await client.query(
      `delete from configuration
        where (kind, name) not in (select * from unnest($1::text[], $2::text[]))`,
      columns.slice(0, 2),
    )
    await client.query(
      `insert into configuration (kind, name, fields) select * from unnest($1::text[], $2::text[], $3::text[])
       on conflict (kind, name) do update set fields = excluded.fields, since = now()
       where configuration.fields <> excluded.fields`,
      columns,
    )
  })
}
