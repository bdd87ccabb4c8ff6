import { itemDigest } from '../configuration.ts'
import { type Database, rows } from './database.ts'

export type ConfigurationView = {
  kind: 'connection' | 'connector' | 'entity' | 'sync'
  name: string
  fields: Record<string, string>
  /** The same as long as the fields are. */
  digest: string
  since: Date
  /** Of a sync: the text of the mapping that runs; of a connector: that of its manifest. */
  source: string | null
}

/** What the hub works with, connections first. */
export async function showConfiguration(db: Database): Promise<ConfigurationView[]> {
  const found = await rows<Omit<ConfigurationView, 'fields' | 'digest'> & { fields: string }>(
    db,
    `select c.kind, c.name, c.fields, c.since, coalesce(c.source, v.source) as source
       from configuration c
       left join mapping_version v on c.kind = 'sync' and v.sync = c.name and v.version = c.fields::json ->> 'mapping'
      order by c.kind, c.name`,
  )
  return found.map((row) => {
    const fields = JSON.parse(row.fields) as Record<string, string>
    return { ...row, fields, digest: itemDigest({ fields }) }
  })
}
