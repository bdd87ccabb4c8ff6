/** PostgreSQL, on pg, with its socket from outbound. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import pg from 'pg'
import { CausewayError, isRawNumber, type Json, type JsonObject, parseExact, setOwn } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import { type Column, type Dialect, quotedTable, type SqlResult, type SqlValue, type Target } from './dialect.ts'
import { answeredFailure, brokenLink, type FailureRules } from './failure.ts'
import { SocketLink } from './socket-link.ts'

/** SQLSTATE classes (PostgreSQL documentation, appendix A). */
const RULES: FailureRules = [
  [/^28/, 'CSW-3003', 'was refused for its credentials'],
  [/^42501/, 'CSW-3004', 'is not allowed to this user'],
  [/^(3D000|3F000|42P01|42703|42883|42601)/, 'CSW-3014', 'names something the database does not have'],
  [/^57014/, 'CSW-3002', 'took longer than allowed'],
  [/^(08|57P0)/, 'CSW-3001', 'met a database that shuts down'],
  [/^(40|55P03)/, 'CSW-3017', 'met another transaction'],
  [/^(2[1-3]|44|P0001)/, 'CSW-3008', 'was refused'],
  [/^25006/, 'CSW-3016', 'would write where only reading is allowed'],
]

export const postgres: Dialect = {
  name: 'postgres',
  defaultPort: 5432,
  connect: (dialler, target, mode, signal) => PostgresLink.open(dialler, target, mode, signal),
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  placeholder: (index) => `$${index}`,
  among: (column, values, from) => ({ text: `${column} = any($${from})`, values: [values] }),
  limited: (select, count) => `${select} limit ${count}`,
  rowsPerInsert: ({ columns }) => Math.max(1, Math.min(500, Math.floor(60_000 / Math.max(1, columns.length)))),
  insert: ({ table, columns, rows, key, id }) => {
    let index = 0
    const tuples = rows.map((row) => `(${row.map(() => `$${++index}`).join(', ')})`)
    const names = columns.map(postgres.quote)
    const changed = columns.filter((column) => !key?.includes(column)).map(postgres.quote)
    // Something must be set, or an existing row would give back no id.
    const set = changed.length ? changed : [postgres.quote(key?.[0] ?? id)]
    const conflict = key
      ? ` on conflict (${key.map(postgres.quote).join(', ')}) do update set ${set.map((name) => `${name} = excluded.${name}`).join(', ')}`
      : ''
    const into = columns.length ? `(${names.join(', ')}) values ${tuples.join(', ')}` : 'default values'
    const text = `insert into ${quotedTable(postgres, table)} ${into}${conflict} returning ${postgres.quote(id)} as id`
    return { text, values: rows.flat() }
  },
  now: 'current_timestamp',
  begin: 'begin',
  commit: 'commit',
  rollback: 'rollback',
  columns: (schema, table) => ({
    text: `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
                  coalesce(a.attnum = any(i.indkey), false) as "primary",
                  (a.attgenerated <> '' or a.attidentity = 'a') as generated
             from pg_attribute a
             left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
            where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
            order by a.attnum`,
    values: [(schema ? [schema, table] : [table]).map((name) => postgres.quote(name)).join('.')],
  }),
  parameter,
  comparable: (text) => text,
}

function parameter(value: Json, column: Column): SqlValue {
  if (value === null || typeof value === 'boolean') return value
  if (isRawNumber(value)) return value.rawJSON
  const isJson = /^jsonb?$/.test(column.type)
  if (typeof value === 'string' && column.type === 'bytea') return Buffer.from(value, 'base64')
  if (isJson) return JSON.stringify(value)
  if (typeof value === 'string') {
    // The one character that no text of PostgreSQL can hold.
    if (value.includes('\0')) throw unfit(column, 'the text holds U+0000')
    return value
  }
  if (Array.isArray(value) && column.type.endsWith('[]'))
    return value.map((item) => (item === null ? null : isRawNumber(item) ? item.rawJSON : String(item)))
  if (typeof value === 'number') return String(value)
  throw unfit(column, `the mapping gives ${Array.isArray(value) ? 'a list' : 'an object'}`)
}

const unfit = (column: Column, why: string): CausewayError =>
  new CausewayError('CSW-2056', { what: `Column ${JSON.stringify(column.name)} (${column.type}): ${why}.` })

class PostgresLink extends SocketLink {
  private readonly client: pg.Client

  private constructor(client: pg.Client, socket: Socket, target: Target) {
    super(socket, target)
    this.client = client
    client.on('error', () => {
      this.lost = true
    })
  }

  static async open(
    dialler: Dialler,
    target: Target,
    mode: 'read' | 'write',
    signal: AbortSignal,
  ): Promise<PostgresLink> {
    const plain = await dialler.dial(target.host, target.port, { signal })
    const socket = target.tls ? await secured(dialler, plain, target) : plain
    // The socket stands already: pg is only told so.
    const ready = Object.assign(socket, { connect: () => socket })
    const client = new pg.Client({
      ...{ user: target.user, password: target.password, database: target.database, host: target.host },
      ...{ port: target.port, ssl: false, stream: () => ready, application_name: 'causeway' },
      options: [
        '-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1',
        `-c statement_timeout=${target.timeoutMs} -c idle_in_transaction_session_timeout=${target.timeoutMs * 2}`,
        `-c default_transaction_read_only=${mode === 'read' ? 'on' : 'off'}`,
      ].join(' '),
      types: { getTypeParser: (() => (text: string) => text) as never },
    })
    const link = new PostgresLink(client, socket, target)
    const cut = () => socket.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      const connected = client.connect()
      socket.emit('connect')
      await connected
      if (target.schema) await link.query(`set search_path to ${postgres.quote(target.schema)}`, [], signal)
      return link
    } catch (error) {
      link.close()
      throw link.failure(error, 'connect')
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  protected async run(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const result = await this.client.query<string[]>({ text, values: values as unknown[], rowMode: 'array' })
    return {
      rows: result.rows.map((row) => rowOf(row, result.fields)),
      affected: result.rowCount ?? 0,
      insertId: null,
    }
  }

  protected end(): void {
    this.client.end().catch(() => {})
  }

  protected get shown(): string {
    return `postgres://${this.target.host}:${this.target.port}/${this.target.database}`
  }

  protected failure(error: unknown, text: string): CausewayError {
    if (error instanceof CausewayError) return error
    const { code, message = '' } = error as { code?: string; message?: string }
    if (error instanceof pg.DatabaseError && code) return answeredFailure(RULES, code, withoutValues(message), text)
    this.lost = true
    return brokenLink(error, this.shown)
  }
}

/** Asks for TLS the way PostgreSQL does (SSLRequest), and goes on under the rules of outbound. */
async function secured(dialler: Dialler, socket: Socket, target: Target): Promise<Socket> {
  const request = Buffer.alloc(8)
  request.writeInt32BE(8, 0)
  request.writeInt32BE(80_877_103, 4)
  socket.write(request)
  const answer = await readByte(socket)
  if (answer !== 0x53) {
    socket.destroy()
    throw new CausewayError('CSW-3018', {
      what: `The database at ${target.host}:${target.port} offers no TLS.`,
      fix: 'Switch TLS on there, or set `tls` of the connection to false where the network is trusted.',
    })
  }
  const secure = dialler.secure(socket, target.host)
  try {
    await once(secure, 'secureConnect')
  } catch (cause) {
    const { code = 'failed' } = cause as { code?: string }
    throw new CausewayError('CSW-3018', { what: `The TLS handshake with ${target.host} failed (${code}).`, cause })
  }
  return secure
}

async function readByte(socket: Socket): Promise<number | undefined> {
  try {
    await once(socket, 'readable')
  } catch (error) {
    throw brokenLink(error, 'the database')
  }
  return (socket.read(1) as Buffer | null)?.[0]
}

/** Messages quote the value that did not fit. */
const withoutValues = (message: string): string => message.replace(/: ".*"$/s, '').replace(/ value ".*?"/gs, ' value')

function rowOf(values: readonly (string | null)[], fields: readonly pg.FieldDef[]): JsonObject {
  const row: JsonObject = {}
  for (let i = 0; i < fields.length; i++) {
    const text = values[i] ?? null
    setOwn(row, fields[i]!.name, text === null ? null : jsonOf(text, fields[i]!.dataTypeID))
  }
  return row
}

/** Object ids of built-in types (pg_type). */
const ARRAYS: Record<number, number> = {
  ...{ 1000: 16, 1005: 21, 1007: 23, 1016: 20, 1231: 1700, 1009: 25, 1015: 1043, 1002: 1042, 2951: 2950 },
  ...{ 1021: 700, 1022: 701, 1182: 1082, 1115: 1114, 1185: 1184, 199: 114, 3807: 3802 },
}
const textArray = pg.types.getTypeParser(1009 as never, 'text') as unknown as (text: string) => Json[]

function jsonOf(text: string, type: number): Json {
  switch (type) {
    case 16:
      return text === 't'
    case 21:
    case 23:
    case 26:
      return Number(text)
    case 700:
    case 701:
      // NaN and the infinities have no number in JSON.
      return Number.isFinite(Number(text)) ? Number(text) : text
    case 114:
    case 3802:
      return parseExact(text) as Json
    case 17:
      return Buffer.from(text.slice(2), 'hex').toString('base64')
    case 1114:
      return text.replace(' ', 'T')
    case 1184:
      return text.replace(' ', 'T').replace(/\+00$/, 'Z')
    default:
      return ARRAYS[type] === undefined ? text : elementsOf(textArray(text), ARRAYS[type])
  }
}

const elementsOf = (items: Json[], type: number): Json[] =>
  items.map((item) =>
    item === null ? null : Array.isArray(item) ? elementsOf(item, type) : jsonOf(String(item), type),
  )
