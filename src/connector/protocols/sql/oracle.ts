/**
 * Oracle, on oracledb without Oracle's own libraries (an optional peer). It takes no socket of ours, so it is given an address of this
 * machine, from where outbound goes on. A listener that sends it to another address is thereby left.
 */
import { CausewayError, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import type { Dialect, SqlResult, SqlValue, Target } from './dialect.ts'
import { answeredFailure, brokenLink, type FailureRules } from './failure.ts'
import { numberText, oracleText, RETURNING, SESSION } from './oracle-text.ts'
import { loadPeer } from './peer.ts'
import { openRelay, type Relay } from './relay.ts'
import { SocketLink } from './socket-link.ts'

/** Numbers of errors (Oracle Database error messages). */
export const RULES: FailureRules = [
  [/^(1005|1017|1045|28000|28001|28002)$/, 'CSW-3003', 'was refused for its credentials'],
  [/^(1031|1950|41900)$/, 'CSW-3004', 'is not allowed to this user'],
  [/^(900|903|904|907|911|923|933|936|942|4043)$/, 'CSW-3014', 'names something the database does not have'],
  [/^(1013|3136)$/, 'CSW-3002', 'took longer than allowed'],
  [/^(54|60|8177|30006)$/, 'CSW-3017', 'met another transaction'],
  [/^(28|1012|1033|1034|1089|1090|3113|3114|12514|12528)$/, 'CSW-3001', 'met a database that is not available'],
  [/^(1456|16000)$/, 'CSW-3016', 'would write where only reading is allowed'],
  [
    /^(1|1400|1407|1438|1722|1830|1839|1840|1841|1843|1847|1850|1858|1861|2290|2291|2292|12899|1461|932|6502|40441)$/,
    'CSW-3008',
    'was refused',
  ],
]

export const oracle: Dialect = {
  ...oracleText,
  connect: (dialler, target, mode, signal) => OracleLink.open(dialler, target, mode, signal),
}

type MetaData = { name: string; dbTypeName?: string; precision?: number; scale?: number }
type Result = { rows?: unknown[][]; metaData?: MetaData[]; rowsAffected?: number; outBinds?: { made?: unknown[] } }
/** The part of oracledb 6 that is used; the package is not there when types are checked. */
type Oracledb = {
  getConnection(config: object): Promise<OracleConnection>
  BIND_IN: number
  BIND_OUT: number
  STRING: unknown
  BUFFER: unknown
}
type OracleConnection = {
  callTimeout: number
  execute(text: string, values: object, options: object): Promise<Result>
  close(options: { drop: boolean }): Promise<void>
}

class OracleLink extends SocketLink {
  private readonly oracledb: Oracledb
  private readonly connection: OracleConnection
  private readonly mode: 'read' | 'write'

  private constructor(
    oracledb: Oracledb,
    connection: OracleConnection,
    { socket }: Relay,
    target: Target,
    mode: 'read' | 'write',
  ) {
    super(socket, target)
    this.oracledb = oracledb
    this.connection = connection
    this.mode = mode
  }

  static async open(
    dialler: Dialler,
    target: Target,
    mode: 'read' | 'write',
    signal: AbortSignal,
  ): Promise<OracleLink> {
    const oracledb = loadPeer<Oracledb>('oracledb', '6', 'Oracle')
    if (!/^[\w.$#-]+$/.test(target.database))
      throw new CausewayError('CSW-2005', { what: `"${target.database}" is no service name of Oracle.` })
    const relay = await openRelay(dialler, target, signal)
    const cut = () => relay.close()
    signal.addEventListener('abort', cut, { once: true })
    try {
      const connection = await oracledb.getConnection({
        ...{
          user: target.user,
          password: target.password,
          connectString: descriptor(relay.port, target.database),
        },
        ...{
          transportConnectTimeout: Math.ceil(target.timeoutMs / 1000),
          connectTimeout: Math.ceil(target.timeoutMs / 1000),
        },
      })
      connection.callTimeout = target.timeoutMs
      const link = new OracleLink(oracledb, connection, relay, target, mode)
      await link.execute(SESSION, [])
      if (target.schema) await link.execute(`alter session set current_schema = ${oracleText.quote(target.schema)}`, [])
      return link
    } catch (error) {
      relay.close()
      throw failureOf(error, 'connect', target)
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  protected async run(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    if (this.mode === 'write') return this.execute(text, values)
    // A transaction that only reads sees one state for as long as it lasts, so it lasts for one statement.
    await this.execute('set transaction read only', [])
    const result = await this.execute(text, values)
    await this.execute('rollback', [])
    return result
  }

  private async execute(text: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const { BIND_IN, BIND_OUT, STRING, BUFFER } = this.oracledb
    const given: Record<string, object> = {}
    for (const [i, val] of values.entries())
      given[String(i + 1)] = { dir: BIND_IN, val, type: Buffer.isBuffer(val) ? BUFFER : STRING }
    if (RETURNING.test(text)) given.made = { dir: BIND_OUT, type: STRING, maxSize: 4_000 }
    const {
      rows = [],
      metaData = [],
      rowsAffected = 0,
      outBinds,
    } = await this.connection.execute(text, given, {
      ...{
        autoCommit: false,
        maxRows: 0,
        fetchTypeHandler: ({ dbTypeName = '' }: MetaData) => this.fetchedAs(dbTypeName),
      },
    })
    const made = outBinds?.made?.[0]
    return {
      rows: made === undefined ? rows.map((row) => rowOf(row, metaData)) : [{ id: String(made) }],
      affected: rowsAffected,
      insertId: null,
    }
  }

  /** Everything as text, but bytes. */
  private fetchedAs(type: string): { type: unknown } {
    return { type: /BLOB|RAW|BFILE/.test(type) ? this.oracledb.BUFFER : this.oracledb.STRING }
  }

  protected end(): void {
    this.connection.close({ drop: true }).catch(() => {})
  }

  protected get shown(): string {
    return shown(this.target)
  }

  protected failure(error: unknown, text: string): CausewayError {
    const failure = failureOf(error, text, this.target)
    if (failure.data.answered !== true) this.close()
    return failure
  }
}

/** Where to connect, in the words of Oracle Net: the short form does not take every name. */
const descriptor = (port: number, service: string): string =>
  `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${port}))(CONNECT_DATA=(SERVICE_NAME=${service})))`

const shown = ({ host, port, database }: Target): string => `oracle://${host}:${port}/${database}`

function failureOf(error: unknown, text: string, target: Target): CausewayError {
  if (error instanceof CausewayError) return error
  const { errorNum, message = '' } = error as { errorNum?: number; message?: string }
  return errorNum
    ? answeredFailure(RULES, String(errorNum), message.replace(/^ORA-\d+: /, ''), text)
    : brokenLink(error, shown(target))
}

function rowOf(values: unknown[], columns: MetaData[]): JsonObject {
  const row: JsonObject = {}
  for (const [i, column] of columns.entries()) setOwn(row, column.name, jsonOf(values[i], column))
  return row
}

function jsonOf(value: unknown, { dbTypeName = '', precision = 0, scale }: MetaData): Json {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value.toString('base64')
  const text = String(value)
  if (dbTypeName === 'NUMBER') {
    const number = numberText(text)
    return scale === 0 && precision > 0 && precision <= 15 ? Number(number) : number
  }
  return /WITH (LOCAL )?TIME ?ZONE|TIMESTAMP_(L?TZ)/.test(dbTypeName) ? text.replace(/\+00:00$/, 'Z') : text
}
