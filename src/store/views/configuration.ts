import { type Database, rows } from './database.ts'

export type ConfigurationView = {
  kind: 'connection' | 'sync'
  name: string
  fields: Record<string, string>
  since: Date
  /** Of a sync: the text of the mapping that runs. */
  source: string | null
}

/** What the hub works with, connections first. */
export async function showConfiguration(db: Database): Promise<ConfigurationView[]> {
  const found = await rows<Omit<ConfigurationView, 'fields'> & { fields: string }>(
    db,
    `select c.kind, c.name, c.fields, c.since, v.source
       from configuration c
       left join mapping_version v on c.kind = 'sync' and v.sync = c.name and v.version = c.fields::json ->> 'mapping'
      order by c.kind, c.name`,
  )
  return found.map((row) => ({ ...row, fields: JSON.parse(row.fields) as Record<string, string> }))
}
