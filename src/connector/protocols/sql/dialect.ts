/** What one kind of database must bring; everything else (paging, batches, outcomes) is the same for all. */
import type { Json, JsonObject } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'

/** Where and as whom; `mode` read gives a connection that the database itself keeps from writing. */
export type Target = {
  host: string
  port: number
  database: string
  user: string
  password: string
  tls: boolean
  schema: string | null
  timeoutMs: number
}

/** What goes over the wire as a parameter: databases convert text to the type of the column. */
export type SqlValue = string | Buffer | boolean | null | readonly (string | null)[]

export type SqlResult = {
  /** Column values as JSON: exact numbers and big integers as text, times as ISO, bytes as base64. */
  rows: JsonObject[]
  /** Rows a write found, whether or not it changed them. */
  affected: number
  /** The id the database made for the one row that was inserted. */
  insertId: string | null
}

/** One open connection. */
export interface SqlLink {
  /** Throws a coded error. An abort or a statement over its time ends the connection. */
  query(text: string, values: readonly SqlValue[], signal: AbortSignal): Promise<SqlResult>
  /** True when nothing can be sent over it any more. */
  readonly lost: boolean
  close(): void
}

/** A column as the catalogue of the database tells it. */
export type Column = { name: string; type: string; nullable: boolean; primary: boolean; generated: boolean }

/** One insert of several rows with the same columns. */
type InsertShape = {
  table: string
  columns: readonly string[]
  /** Parameters per row, in the order of the columns. */
  rows: readonly (readonly SqlValue[])[]
  /** Columns by which an existing row is updated instead; null for a plain insert. */
  key: readonly string[] | null
  id: string
}

export type Statement = { text: string; values: SqlValue[] }

export type Dialect = {
  name: string
  defaultPort: number
  connect(dialler: Dialler, target: Target, mode: 'read' | 'write', signal: AbortSignal): Promise<SqlLink>
  /** One identifier in quotes; the caller has split `schema.table`. */
  quote(name: string): string
  /** The placeholder of the nth parameter, counted from 1. */
  placeholder(index: number): string
  /** A condition that is true for each of the values; one statement, however many. */
  among(column: string, values: readonly string[], from: number): Statement
  /** The first `count` rows of an ordered select. */
  limited(select: string, count: number): string
  /** Most rows one insert may have so that each gets its id back. */
  rowsPerInsert(shape: Pick<InsertShape, 'columns' | 'id' | 'key'>): number
  insert(shape: InsertShape): Statement
  /** `current_timestamp` as this database writes it. */
  now: string
  begin: string
  commit: string
  rollback: string
  /** Gives `name`, `type`, `nullable`, `primary`, `generated` per column of a table. */
  columns(schema: string | null, table: string): Statement
  /** A value for a column of that type; throws CSW-2056 for what fits no column. */
  parameter(value: Json, column: Column): SqlValue
  /** Text of a version or time as the column compares it. */
  comparable(text: string): string
}

/** `schema.table` in quotes, part by part. */
export const quotedTable = (dialect: Pick<Dialect, 'quote'>, name: string): string =>
  name.split('.').map(dialect.quote).join('.')

/** Schema and name of a table; the schema is null where the connection's own counts. */
export function splitTable(name: string, schema: string | null): { schema: string | null; table: string } {
  const at = name.lastIndexOf('.')
  return at < 0 ? { schema, table: name } : { schema: name.slice(0, at), table: name.slice(at + 1) }
}
