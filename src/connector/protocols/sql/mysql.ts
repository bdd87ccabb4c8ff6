/** MySQL and MariaDB, on mysql2, with their socket from outbound. */
import type { Socket } from 'node:net'
import mysql from 'mysql2'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { CausewayError, type Json, type JsonObject, parseExact, setOwn } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import { type Column, type Dialect, quotedTable, type SqlResult, type SqlValue, type Target } from './dialect.ts'
import { answeredFailure, brokenLink, type FailureRules } from './failure.ts'
import { noTls, tlsThroughOutbound } from './mysql-tls.ts'
import { parameterOf } from './parameter.ts'
import { SocketLink } from './socket-link.ts'

/** Numbers of server errors (MySQL and MariaDB documentation). */
const RULES: FailureRules = [
  [/^(1045|1698|1251|1862)$/, 'CSW-3003', 'was refused for its credentials'],
  [/^(1044|1142|1143|1227|1370)$/, 'CSW-3004', 'is not allowed to this user'],
  [/^(1049|1054|1064|1109|1146|1305)$/, 'CSW-3014', 'names something the database does not have'],
  [/^(3024|1969|1317)$/, 'CSW-3002', 'took longer than allowed'],
  [/^(1205|1213|1020|1412|3572)$/, 'CSW-3017', 'met another transaction'],
  [/^(1053|1077|1079|1927)$/, 'CSW-3001', 'met a database that shuts down'],
  [/^(1290|1792|1836)$/, 'CSW-3016', 'would write where only reading is allowed'],
  [
    /^(1048|1062|1136|1138|1216|1217|1263|1264|1265|1292|1364|1366|1406|1411|1441|1451|1452|1526|1557|1582|1644|1690|3140|3819|3821|4025|4078)$/,
    'CSW-3008',
    'was refused',
  ],
]

export const mysqlDialect: Dialect = {
  name: 'mysql',
  defaultPort: 3306,
  connect: (dialler, target, mode, signal) => MysqlLink.open(dialler, target, mode, signal),
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  placeholder: () => '?',
  among: (column, values) => ({ text: `${column} in (${values.map(() => '?').join(', ')})`, values: [...values] }),
  limited: (select, count) => `${select} limit ${count}`,
  // Ids that the database makes are known for the last row only.
  rowsPerInsert: ({ columns, id }) =>
    columns.includes(id) ? Math.max(1, Math.min(200, Math.floor(60_000 / columns.length))) : 1,
  insert: ({ table, columns, rows, key, id }) => {
    const { quote } = mysqlDialect
    const tuples = rows.map((row) => `(${row.map(() => '?').join(', ')})`)
    const changed = columns.filter((column) => !key?.includes(column)).map(quote)
    // `last_insert_id(id)` makes the id of an existing row come back as that of a new one does.
    const own = columns.includes(id) ? [] : [`${quote(id)} = last_insert_id(${quote(id)})`]
    const set = [...own, ...changed.map((name) => `${name} = values(${name})`)]
    const conflict = key
      ? ` on duplicate key update ${set.length ? set.join(', ') : `${quote(id)} = ${quote(id)}`}`
      : ''
    const text = `insert into ${quotedTable(mysqlDialect, table)} (${columns.map(quote).join(', ')}) values ${tuples.join(', ')}${conflict}`
    return { text, values: rows.flat() }
  },
  now: 'current_timestamp(6)',
  begin: 'start transaction',
  commit: 'commit',
  rollback: 'rollback',
  columns: (schema, table) => ({
    text: `select column_name as name, column_type as type, is_nullable = 'YES' as nullable, column_key = 'PRI' as \`primary\`,
                  (extra like '%GENERATED%' and extra not like '%DEFAULT_GENERATED%') as \`generated\`
             from information_schema.columns
            where table_schema = ${schema ? '?' : 'database()'} and table_name = ? order by ordinal_position`,
    values: schema ? [schema, table] : [table],
  }),
  parameter,
  comparable: (text) => clockOf(text),
}

function parameter(value: Json, column: Column): SqlValue {
  return parameterOf(value, column, {
    binary: /^(tiny|medium|long)?blob|^(var)?binary/,
    structured: /^(json|longtext)/,
    text(text, type) {
      if (type === 'json') return JSON.stringify(text)
      return /^(datetime|timestamp)/.test(type) ? clockOf(text) : text
    },
  })
}

/** ISO times with a zone as the wall clock of UTC, which is the zone of our sessions; anything else as it is. */
function clockOf(text: string): string {
  const [, local, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text) ?? []
  if (local === undefined) return text
  if (zone === undefined || zone === 'Z') return `${local.replace('T', ' ')}${fraction.slice(0, 7)}`
  const utc = new Date(
    `${local.replace(' ', 'T')}${zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`}`,
  )
  return `${utc.toISOString().slice(0, 19).replace('T', ' ')}${fraction.slice(0, 7)}`
}

type Field = { name: string; columnType?: number; type?: number; characterSet?: number }

class MysqlLink extends SocketLink {
  private readonly connection: Connection

  private constructor(connection: Connection, socket: Socket, target: Target) {
    super(socket, target)
    this.connection = connection
    connection.on('error', () => {
      this.lost = true
    })
  }

  static async open(dialler: Dialler, target: Target, mode: 'read' | 'write', signal: AbortSignal): Promise<MysqlLink> {
    const socket = await dialler.dial(target.host, target.port, { signal })
    const cut = () => socket.destroy()
    signal.addEventListener('abort', cut, { once: true })
    const deadline = setTimeout(cut, target.timeoutMs)
    let tls: { failure: CausewayError | null } | null = null
    try {
      const connecting = mysql.createConnection({
        ...{ host: target.host, port: target.port, user: target.user, password: target.password },
        ...{ database: target.schema ?? target.database, stream: socket, charset: 'utf8mb4', timezone: 'Z' },
        ...{ supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, jsonStrings: true },
        // An update that changes nothing has found its row all the same.
        ...{ flags: ['FOUND_ROWS'], maxPreparedStatements: 200, rowsAsArray: true },
        ...(target.tls ? { ssl: dialler.tlsOptions(target.host) } : {}),
      } as never)
      // The one that waits for the connection hears of the first failure only.
      connecting.on('error', () => {})
      if (target.tls) tls = tlsThroughOutbound(connecting, dialler, target)
      await connected(connecting)
      const link = new MysqlLink(connecting.promise(), socket, target)
      await link.prepare(mode, signal)
      return link
    } catch (error) {
      socket.destroy()
      throw tls?.failure ?? failureOf(error, 'connect', target)
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', cut)
    }
  }

  /** Zone, strictness, time limit and whether writing is allowed, for all statements of the connection. */
  private async prepare(mode: 'read' | 'write', signal: AbortSignal): Promise<void> {
    const [rows] = await this.connection.query<RowDataPacket[]>('select version()')
    const version = String((rows[0] as unknown as string[])[0])
    const seconds = Math.ceil(this.target.timeoutMs / 1000)
    const limit = /mariadb/i.test(version)
      ? `max_statement_time = ${seconds}`
      : `max_execution_time = ${this.target.timeoutMs}`
    // Without strict mode a value that does not fit is cut without a word.
    const strict = `sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')`
    await this.set(
      `set session time_zone = '+00:00', ${strict}, ${limit}, innodb_lock_wait_timeout = ${seconds}`,
      signal,
    )
    await this.set('set session transaction isolation level read committed', signal)
    if (mode === 'read') await this.set('set session transaction read only', signal)
  }

  private async set(text: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.connection.query(text)
  }

  protected async run(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    // Transaction words cannot be prepared everywhere.
    const [result, fields] = values.length
      ? await this.connection.execute(text, values as never)
      : await this.connection.query(text)
    return resultOf(result as ResultSetHeader | unknown[][], fields as unknown as Field[])
  }

  protected failure(error: unknown, text: string): CausewayError {
    const failure = failureOf(error, text, this.target)
    if (failure.data.answered !== true) this.close()
    return failure
  }

  protected end(): void {
    this.connection.destroy()
  }

  protected get shown(): string {
    return shown(this.target)
  }
}

const connected = (connection: mysql.Connection): Promise<void> =>
  new Promise((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))

const shown = ({ host, port, database }: Target): string => `mysql://${host}:${port}/${database}`

function failureOf(error: unknown, text: string, target: Target): CausewayError {
  if (error instanceof CausewayError) return error
  const { errno, code, sqlMessage, message = '' } = error as Partial<mysql.QueryError> & { sqlMessage?: string }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return noTls(target)
  if (errno !== undefined && errno >= 1000 && sqlMessage !== undefined)
    return answeredFailure(RULES, String(errno), withoutValues(sqlMessage || message), text)
  return brokenLink(error, shown(target))
}

/** Messages quote the value that did not fit. */
const withoutValues = (message: string): string => message.replace(/(entry|value:?) '(?:[^'\\]|\\.)*'/gi, "$1 '…'")

function resultOf(result: ResultSetHeader | unknown[][], fields: Field[] | undefined): SqlResult {
  if (!Array.isArray(result)) {
    const insertId = String(result.insertId ?? 0)
    return { rows: [], affected: result.affectedRows ?? 0, insertId: insertId === '0' ? null : insertId }
  }
  const rows = result.map((values) => {
    const row: JsonObject = {}
    for (const [i, field] of (fields ?? []).entries()) setOwn(row, field.name, jsonOf(values[i], field))
    return row
  })
  return { rows, affected: rows.length, insertId: null }
}

/** Types of columns on the wire (MySQL internals manual, column definition). */
const TIMESTAMP = 7
const DATETIME = 12
const JSON_TYPE = 245
const WHOLE = new Set([1, 2, 3, 9, 13])

function jsonOf(value: unknown, field: Field): Json {
  const type = field.columnType ?? field.type
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (type === JSON_TYPE) return typeof value === 'string' ? (parseExact(value) as Json) : (value as Json)
  if (type === TIMESTAMP) return `${String(value).replace(' ', 'T')}Z`
  if (type === DATETIME) return String(value).replace(' ', 'T')
  if (typeof value === 'number') return value
  return type !== undefined && WHOLE.has(type) ? Number(value) : String(value)
}
