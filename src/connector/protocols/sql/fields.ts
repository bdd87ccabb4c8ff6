/** What a manifest says about a database. */
import {
  type CompiledPart,
  choice,
  type Field,
  flag,
  integer,
  list,
  part,
  section,
  template,
  text,
  type ValueOf,
} from '../../language/index.ts'

const SETTINGS = ['settings'] as const

export const DIALECTS = ['postgres', 'mysql', 'mssql', 'oracle'] as const

export const connectorFields = {
  dialect: template({
    sense: `Which database: ${DIALECTS.join(', ')}. \`mysql\` is MariaDB too; \`mssql\` needs the package \`tedious\` beside the hub, \`oracle\` the package \`oracledb\`.`,
    names: SETTINGS,
    required: true,
    example: 'postgres',
  }),
  host: template({ sense: 'Name or address of the server.', names: SETTINGS, required: true, example: 'db.internal' }),
  port: template({ sense: 'Its port; left out, the usual one of the database.', names: SETTINGS }),
  database: template({ sense: 'The database; of Oracle its service name.', names: SETTINGS, required: true }),
  schema: template({
    sense:
      'Schema of tables that are named without one; left out, that of the user. SQL Server has none for a session: write it before the tables.',
    names: SETTINGS,
  }),
  user: template({ sense: 'User the hub logs in as.', names: SETTINGS, required: true }),
  password: template({ sense: 'Their password.', names: SETTINGS, required: true }),
  tls: template({
    sense: '`false` talks in the clear. A private authority is named in `tls.ca` of the connection.',
    names: SETTINGS,
    default: 'true',
  }),
  timeout_seconds: integer({
    sense: 'For one statement; the database ends it, and the connection is given up where it does not.',
    default: 60,
    minimum: 1,
    maximum: 3600,
  }),
  connections: integer({
    sense: 'Open connections of each kind (for reading, and for writing) at once.',
    default: 4,
    minimum: 1,
    maximum: 32,
  }),
}
export type SqlConnector = CompiledPart<typeof connectorFields>

const changedPart = part({
  title: 'Changed',
  sense: 'The column that grows with every change of a row. It should be indexed together with the id.',
  fields: {
    column: template({ sense: 'Name of the column.', names: SETTINGS, required: true, example: 'updated_at' }),
    type: choice(['timestamp', 'number'], {
      sense: '`timestamp`, or `number` for a counter or sequence that is set anew with each change.',
      default: 'timestamp',
    }),
    overlap: integer({
      sense:
        'How far an incremental read looks back, in seconds (of a number: in units). A transaction that takes its time commits rows that look older than what was read; this must be longer than the longest one that writes here.',
      default: 300,
      minimum: 0,
      maximum: 86_400,
    }),
  },
  example: 'changed: { column: updated_at }',
})
export type ChangedSpec = ValueOf<typeof changedPart>

const writePart = part({
  title: 'Write',
  sense: 'Makes the table writable. Rows are inserted, updated and deleted in transactions of many.',
  fields: {
    key: list(template({ sense: 'A column.', names: SETTINGS }), {
      sense:
        'Columns of a unique index by which a row is created or updated in one statement; offers upsert. One of them is what the sync matches by.',
      example: ['external_id'],
    }),
    version: template({
      sense: 'A column that an update compares, and counts up, so that it never overwrites what somebody else changed.',
      names: SETTINGS,
      example: 'version',
    }),
    soft_delete: template({
      sense: 'A column that is set to the present moment instead of deleting the row.',
      names: SETTINGS,
      example: 'deleted_at',
    }),
    delete: flag({ sense: 'Lets syncs delete rows.', default: true }),
    batch: integer({ sense: 'Rows in one transaction.', default: 200, minimum: 1, maximum: 1000 }),
  },
  example: 'write: { key: [external_id], version: version }',
})
export type WriteSpec = ValueOf<typeof writePart>

export const streamFields = {
  table: template({
    sense: 'The table or view, with its schema where it is another one than the connection’s.',
    names: SETTINGS,
    example: 'crm.contacts',
  }),
  query: text({
    sense:
      'Instead of `table`: a select that gives the rows, without order and limit. It may join what belongs to a record.',
    example: 'select c.*, a.city from contacts c join addresses a on a.contact_id = c.id',
  }),
  columns: list(template({ sense: 'A column.', names: SETTINGS }), {
    sense: 'The columns of a record, id and change among them; all when left out.',
  }),
  id: template({
    sense:
      'The column that identifies a row for its whole life. It must be unique, without null, and indexed: rows are read in its order.',
    names: SETTINGS,
    default: 'id',
  }),
  where: text({ sense: 'A condition that all rows of the stream meet.', example: 'archived = false' }),
  json: list(text({ sense: 'A column.' }), { sense: 'Columns of text that hold JSON (MariaDB has no other).' }),
  changed: section(changedPart, {
    sense: 'Offers incremental reading. Without it every read takes all rows.',
  }) as Field<ChangedSpec | undefined>,
  page_size: integer({ sense: 'Rows a statement.', default: 500, minimum: 1, maximum: 10_000 }),
  lookup: list(template({ sense: 'A column.', names: SETTINGS }), {
    sense: 'Columns by which rows can be found, hundreds of values in one statement; they should be indexed.',
  }),
  write: section(writePart, { sense: 'Leave it out for what is only read.' }) as Field<WriteSpec | undefined>,
}
export type SqlStream = CompiledPart<typeof streamFields>
