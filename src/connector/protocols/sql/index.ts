/** Protocol `sql`: rows of a relational database, read in full or since the last change, and written in transactions. */
import type { JsonObject } from '../../../core/index.ts'
import { asText, type Template } from '../../language/index.ts'
import { defineProtocol } from '../contract.ts'
import { connectorFields, streamFields } from './fields.ts'
import { SqlSession } from './session.ts'

export const sql = defineProtocol({
  name: 'sql',
  title: 'SQL',
  sense: 'Rows of a relational database: PostgreSQL, MySQL and MariaDB, SQL Server, Oracle.',
  connector: connectorFields,
  stream: streamFields,
  example: `
language: 1
name: shop-database
title: Shop database
protocol: sql
settings:
  host: { required: true, title: Server }
  port: { type: integer, default: 5432 }
  database: { required: true, title: Database }
  user: { required: true, title: User }
  password: { secret: true, required: true, title: Password }
  tls: { type: flag, default: true }
dialect: postgres
host: \${ settings.host }
port: \${ settings.port }
database: \${ settings.database }
user: \${ settings.user }
password: \${ settings.password }
tls: \${ settings.tls }
streams:
  customers:
    title: Customers
    table: customers
    key: record.id
    version: { value: record.updated_at }
    deleted: $exists(record.deleted_at) and record.deleted_at != null
    changed: { column: updated_at }
    lookup: [email, external_id]
    write: { key: [external_id], version: version, soft_delete: deleted_at }
`,
  abilities: (stream, _connector, settings) => ({
    read: true,
    incremental: isNamed(stream.changed?.column, settings),
    deletions: 'scan',
    create: stream.write !== undefined,
    update: stream.write !== undefined,
    upsert: stream.write?.key?.every((column) => isNamed(column, settings)) === true,
    upsertBy: namesOf(stream.write?.key ?? [], settings),
    delete: stream.write?.delete === true,
    lookup: namesOf(stream.lookup ?? [], settings),
    partialUpdate: true,
    content: false,
  }),
  check: (stream) => [
    ...((stream.table === undefined) === (stream.query === undefined)
      ? [{ message: 'a stream is either a table or a query', fix: 'Give one of `table` and `query`.' }]
      : []),
    ...(stream.write && stream.table === undefined
      ? [{ field: 'write', message: 'a query cannot be written to', fix: 'Use `table`, or remove `write`.' }]
      : []),
    ...(/;\s*\S/.test(stream.query ?? '') || /;\s*$/.test(stream.query ?? '')
      ? [{ field: 'query', message: 'a query is one select without a semicolon', fix: 'Remove the semicolon.' }]
      : []),
  ],
  open: (context) => SqlSession.open(context),
})

/** Whether a name is there: one that the settings give is believed in until the connection is open. */
const isNamed = (name: Template | undefined, settings: JsonObject | undefined): boolean =>
  name !== undefined && (settings === undefined || namesOf([name], settings).length > 0)

/** Names that the settings of a connection give are known once it is open. */
function namesOf(templates: Template[], settings: JsonObject | undefined): string[] {
  return templates.flatMap((name) => {
    if (!name.constant && settings === undefined) return []
    const value = name.evaluate({ settings: settings ?? {} })
    return value === undefined || value === null ? [] : [asText(value)]
  })
}
