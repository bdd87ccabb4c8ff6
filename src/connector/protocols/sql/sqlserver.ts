/**
 * SQL Server, on tedious (an optional peer), with its socket from outbound. Rows are asked for as JSON: the client would make doubles of
 * decimals, and the server spells every number, time and byte exactly.
 */
import type { Socket } from 'node:net'
import { CausewayError, type JsonObject, parseExact } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import type { Dialect, SqlResult, SqlValue, Target } from './dialect.ts'
import { answeredFailure, brokenLink, type FailureRules } from './failure.ts'
import { loadPeer } from './peer.ts'
import { SocketLink } from './socket-link.ts'
import { sqlServerText } from './sqlserver-text.ts'

/** Numbers of errors (Database Engine events and errors, learn.microsoft.com). */
export const RULES: FailureRules = [
  [/^(18452|18456|18470|18486|18487|18488|4060|4064)$/, 'CSW-3003', 'was refused for its credentials'],
  [/^(229|230|262|297|300|916)$/, 'CSW-3004', 'is not allowed to this user'],
  [/^(102|105|156|170|207|208|209|2812|4104)$/, 'CSW-3014', 'names something the database does not have'],
  [/^(1205|1222|3960|3961|41302|41305|41325)$/, 'CSW-3017', 'met another transaction'],
  [/^(6005|10053|10054|40197|40501|40613|49918|49919|49920)$/, 'CSW-3001', 'met a database that is not available'],
  [/^(3906|3908)$/, 'CSW-3016', 'would write where only reading is allowed'],
  [
    /^(206|220|232|241|242|245|248|257|295|515|544|547|2601|2627|2628|8114|8115|8152|8169|334|4405|271|8102)$/,
    'CSW-3008',
    'was refused',
  ],
]

export const sqlServer: Dialect = {
  ...sqlServerText,
  connect: (dialler, target, mode, signal) => SqlServerLink.open(dialler, target, mode, signal),
}

/** The part of tedious 19 that is used; the package is not there when types are checked. */
type Tedious = {
  Connection: new (config: object) => TediousConnection
  Request: new (text: string, done: (error: Error | null | undefined, rows?: number) => void) => TediousRequest
  TYPES: Record<'NVarChar' | 'VarBinary', unknown>
}
type TediousRequest = {
  addParameter(name: string, type: unknown, value: unknown): void
  on(event: 'row', listener: (columns: { value: unknown }[]) => void): void
}
type TediousConnection = {
  connect(done: (error?: Error) => void): void
  execSql(request: TediousRequest): void
  execSqlBatch(request: TediousRequest): void
  on(event: 'error' | 'end', listener: (error?: Error) => void): void
  close(): void
}

class SqlServerLink extends SocketLink {
  private readonly connection: TediousConnection
  private readonly tedious: Tedious

  private constructor(tedious: Tedious, connection: TediousConnection, socket: Socket, target: Target) {
    super(socket, target)
    this.tedious = tedious
    this.connection = connection
    for (const event of ['error', 'end'] as const)
      connection.on(event, () => {
        this.lost = true
      })
  }

  static async open(dialler: Dialler, target: Target, mode: 'read' | 'write', signal: AbortSignal) {
    if (target.schema)
      throw new CausewayError('CSW-2005', {
        what: 'SQL Server has no schema for a connection.',
        fix: 'Leave `schema` out, and write it before the tables: `crm.contacts`.',
      })
    const tedious = loadPeer<Tedious>('tedious', '19', 'SQL Server')
    const socket = await dialler.dial(target.host, target.port, { signal })
    const connection = new tedious.Connection({
      server: target.host,
      authentication: { type: 'default', options: { userName: target.user, password: target.password } },
      options: {
        ...{ port: target.port, database: target.database, appName: 'causeway', connector: async () => socket },
        ...{ encrypt: target.tls, trustServerCertificate: false, readOnlyIntent: mode === 'read' },
        ...(target.tls ? { cryptoCredentialsDetails: dialler.tlsOptions(target.host) } : {}),
        ...{ requestTimeout: target.timeoutMs, connectTimeout: target.timeoutMs, cancelTimeout: 5_000 },
        // Statements are many and alike, and must not be told apart by what the database thinks is text.
        ...{ useColumnNames: false, rowCollectionOnRequestCompletion: false, maxRetriesOnTransientErrors: 0 },
      },
    })
    const link = new SqlServerLink(tedious, connection, socket, target)
    const cut = () => socket.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      await new Promise<void>((done, failed) => connection.connect((error) => (error ? failed(error) : done())))
      await link.query(
        `set xact_abort on; set transaction isolation level read committed; set lock_timeout ${target.timeoutMs}; set dateformat ymd`,
        [],
        signal,
      )
      return link
    } catch (error) {
      link.close()
      throw link.failure(error, 'connect')
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  /** Transaction words go as a batch: within the procedure that takes parameters the server counts them as an error. */
  protected run(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const { promise, resolve, reject } = Promise.withResolvers<SqlResult>()
    const chunks: string[] = []
    const sent = /^\s*select\b/i.test(text) ? `${text} for json path, include_null_values` : text
    const request = new this.tedious.Request(sent, (error, count = 0) => {
      if (error) return reject(error)
      try {
        const rows = chunks.length ? (parseExact(chunks.join('')) as JsonObject[]) : []
        resolve({ rows, affected: rows.length || count, insertId: null })
      } catch (cause) {
        reject(cause as Error)
      }
    })
    request.on('row', ([column]) => chunks.push(String(column?.value ?? '')))
    for (const [i, value] of values.entries()) {
      const { NVarChar, VarBinary } = this.tedious.TYPES
      request.addParameter(`p${i + 1}`, Buffer.isBuffer(value) ? VarBinary : NVarChar, value)
    }
    if (values.length) this.connection.execSql(request)
    else this.connection.execSqlBatch(request)
    return promise
  }

  protected end(): void {
    this.connection.close()
  }

  protected get shown(): string {
    return `mssql://${this.target.host}:${this.target.port}/${this.target.database}`
  }

  protected failure(error: unknown, text: string): CausewayError {
    if (error instanceof CausewayError) return error
    const { number, code, message = '' } = error as { number?: number; code?: string; message?: string }
    if (code === 'ELOGIN' && number === undefined) return answeredFailure(RULES, '18456', 'login failed', text)
    if (number !== undefined) return answeredFailure(RULES, String(number), withoutValues(message), text)
    this.close()
    return brokenLink(error, this.shown)
  }
}

/** Messages quote the value that did not fit. */
export const withoutValues = (message: string): string =>
  message
    .replace(/(value is|value:?|varchar value|data value) (\(.*?\)|'.*?'(?=[\s.,]))/gis, "$1 '…'")
    .replace(/Truncated value: '.*'\.?/is, "Truncated value: '…'")
