/** An open connection to a database. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import type {
  LookupRequest,
  LookupResult,
  Page,
  ProbeStep,
  ReadRequest,
  SourceRecord,
  WriteOutcome,
  WriteRequest,
} from '../../contract.ts'
import { asText } from '../../language/index.ts'
import { usableId } from '../../manifest/record.ts'
import { chunksOf } from '../../parts/pool.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import { type Column, type Dialect, type SqlResult, type Statement, splitTable, type Target } from './dialect.ts'
import { dialectNamed } from './dialects.ts'
import { isAnswered } from './failure.ts'
import type { SqlConnector, SqlStream } from './fields.ts'
import { Links } from './links.ts'
import { pageOf, readPages } from './read.ts'
import { Source } from './source.ts'
import { type Table, TableWriter } from './write.ts'

/** Values one look-up asks for; more are asked in several statements. */
const VALUES = 500

type Context = ProtocolContext<SqlConnector, SqlStream>
type Open = { stream: StreamSpec<SqlStream>; source: Source }

export class SqlSession implements ProtocolSession {
  private readonly context: Context
  private readonly dialect: Dialect
  private readonly target: Target
  private readonly links: Links
  private readonly streams: ReadonlyMap<string, Open>
  private readonly catalogue = new Map<string, Promise<ReadonlyMap<string, Column>>>()

  private constructor(context: Context, dialect: Dialect) {
    this.context = context
    this.dialect = dialect
    this.target = this.targetOf(dialect)
    const { dialler } = context.outbound
    const open = (mode: 'read' | 'write', signal: AbortSignal) => dialect.connect(dialler, this.target, mode, signal)
    this.links = new Links(open, context.spec.connections)
    const scope = { settings: context.settings }
    this.streams = new Map(
      [...context.streams].map(([name, stream]) => [name, { stream, source: new Source(stream, dialect, scope) }]),
    )
  }

  static async open(context: Context): Promise<SqlSession> {
    const name = context.spec.dialect.evaluate({ settings: context.settings })
    return new SqlSession(context, await dialectNamed(String(name ?? '')))
  }

  read(request: ReadRequest): AsyncIterable<Page> {
    const { stream, source } = this.open(request.stream)
    const run = (statement: Statement, signal: AbortSignal) => this.ask(statement, signal)
    return readPages({ source, stream, run, now: () => this.context.clock.now() }, request)
  }

  async fetch({ stream: name, ids, signal }: Parameters<ProtocolSession['fetch']>[0]): Promise<SourceRecord[]> {
    const { source, stream } = this.open(name)
    const rows = await this.among(source, source.id, ids, signal)
    return this.records(stream, source, rows)
  }

  async lookup({ stream: name, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const { source, stream } = this.open(name)
    const asked = new Set(values)
    const folded = new Map(values.map((value) => [fold(value), value]))
    const result: LookupResult = new Map()
    for (const record of this.records(stream, source, await this.among(source, field, values, signal))) {
      const held = usableId(record.body[field])
      // A column may compare without case and trailing spaces; then so did the database.
      const value = held === null ? undefined : asked.has(held) ? held : folded.get(fold(held))
      if (value !== undefined) result.set(value, [...(result.get(value) ?? []), record])
    }
    return result
  }

  async write({ stream: name, operation, items, signal, onExchange, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    const { source } = this.open(name)
    const at = this.context.clock.now()
    const began = performance.now()
    const writer = new TableWriter(this.links, this.dialect, await this.table(source, signal))
    const outcomes = await writer.write(operation, items, { signal, maySend })
    onExchange?.({
      ...{ at: at.toISOString(), method: `${operation} rows`, url: `${this.shown}/${source.table}`, status: null },
      ...{ ms: Math.round(performance.now() - began), requestBytes: 0, responseBytes: 0 },
    })
    return outcomes
  }

  content(): Promise<never> {
    return Promise.reject(new CausewayError('CSW-2003', { what: 'Rows of a database have no content to download.' }))
  }

  async probe(signal: AbortSignal): Promise<ProbeStep[]> {
    const steps: ProbeStep[] = []
    const step = async (name: string, run: () => Promise<string>) => {
      try {
        steps.push({ step: name, ok: true, detail: await run() })
        return true
      } catch (error) {
        if (!(error instanceof CausewayError)) throw error
        steps.push({ step: name, ok: false, detail: error.message, error })
        return false
      }
    }
    const connected = await step('connect and log in', async () => {
      await this.links.with('read', signal, async () => {})
      return this.target.tls ? 'over TLS' : 'WITHOUT TLS: password and data can be read on the way'
    })
    if (!connected) return steps
    for (const { stream, source } of this.streams.values()) {
      if (source.table !== null) await step(`columns of ${stream.name}`, () => this.described(source, signal))
      await step(`first page of ${stream.name}`, async () => {
        const { rows } = await this.ask(source.page(null, null, 5), signal)
        const { records, rejected } = pageOf(stream, source, rows)
        if (rejected[0]) throw rejected[0].error
        return `${records.length} rows`
      })
    }
    return steps
  }

  async close(): Promise<void> {
    this.links.close()
  }

  /** One read statement. A kept connection that the server closed meanwhile is replaced once. */
  private async ask({ text, values }: Statement, signal: AbortSignal): Promise<SqlResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.links.with('read', signal, (link) => link.query(text, values, signal))
      } catch (error) {
        const lost = error instanceof CausewayError && error.code === 'CSW-3001'
        if (!lost || attempt > 1 || signal.aborted) throw error
      }
    }
  }

  /** Rows whose column holds one of the values. A value that the column's type cannot hold is in no row. */
  private async among(source: Source, column: string, values: string[], signal: AbortSignal): Promise<JsonObject[]> {
    const rows: JsonObject[] = []
    for (const chunk of chunksOf([...new Set(values)], VALUES))
      rows.push(...(await this.found(source, column, chunk, signal)))
    return rows
  }

  private async found(source: Source, column: string, values: string[], signal: AbortSignal): Promise<JsonObject[]> {
    try {
      return (await this.ask(source.among(column, values), signal)).rows
    } catch (error) {
      if (!isAnswered(error) || error.code !== 'CSW-3008') throw error
      if (values.length === 1) return []
      const middle = Math.ceil(values.length / 2)
      const first = await this.found(source, column, values.slice(0, middle), signal)
      return [...first, ...(await this.found(source, column, values.slice(middle), signal))]
    }
  }

  private records(stream: StreamSpec<SqlStream>, source: Source, rows: JsonObject[]): SourceRecord[] {
    const { records, rejected } = pageOf(stream, source, rows)
    // Here a row was asked for by name: one that cannot be read must not look like one that does not exist.
    if (rejected[0]) throw rejected[0].error
    return records
  }

  private async table(source: Source, signal: AbortSignal): Promise<Table> {
    const { write } = source.spec
    const scope = { settings: this.context.settings }
    const text = (from: { evaluate(scope: Record<string, unknown>): unknown } | undefined) => {
      const value = from?.evaluate(scope)
      return value === undefined || value === null || value === '' ? null : asText(value)
    }
    return {
      name: source.table!,
      id: source.id,
      key: write?.key?.flatMap((column) => text(column) ?? []) ?? [],
      version: source.version,
      softDelete: text(write?.soft_delete),
      batch: write?.batch ?? VALUES,
      columns: await this.columns(source, signal),
    }
  }

  /** The columns of a table from the catalogue of the database, asked for once. */
  private columns(source: Source, signal: AbortSignal): Promise<ReadonlyMap<string, Column>> {
    const known = this.catalogue.get(source.table!)
    if (known) return known
    const asked = this.askColumns(source.table!, signal)
    this.catalogue.set(source.table!, asked)
    asked.catch(() => this.catalogue.delete(source.table!))
    return asked
  }

  private async askColumns(name: string, signal: AbortSignal): Promise<ReadonlyMap<string, Column>> {
    const { schema, table } = splitTable(name, this.target.schema)
    const { rows } = await this.ask(this.dialect.columns(schema, table), signal)
    if (rows.length === 0)
      throw new CausewayError('CSW-3014', {
        what: `The database has no table ${name}, or its user may not see it.`,
        fix: 'Check `table` of the stream, `schema` of the connection and the rights of the user.',
      })
    const is = (value: unknown) => value === true || value === 1 || value === '1'
    return new Map(
      rows.map((row) => [
        String(row.name),
        {
          ...{ name: String(row.name), type: String(row.type).toLowerCase(), nullable: is(row.nullable) },
          ...{ primary: is(row.primary), generated: is(row.generated) },
        },
      ]),
    )
  }

  private async described(source: Source, signal: AbortSignal): Promise<string> {
    const columns = await this.columns(source, signal)
    for (const name of [source.id, ...(source.changed === null ? [] : [source.changed])])
      if (!columns.has(name))
        throw new CausewayError('CSW-3014', { what: `Table ${source.table} has no column ${JSON.stringify(name)}.` })
    return [...columns.values()]
      .map(({ name, type, nullable, primary }) => `${name} ${type}${primary ? ' key' : nullable ? '' : ' required'}`)
      .join(', ')
  }

  private get shown(): string {
    return `${this.dialect.name}://${this.target.host}:${this.target.port}/${this.target.database}`
  }

  private targetOf(dialect: Dialect): Target {
    const { spec, settings, connection } = this.context
    const text = (name: 'host' | 'port' | 'database' | 'schema' | 'user' | 'password' | 'tls') => {
      const value = spec[name]?.evaluate({ settings })
      return value === undefined || value === null ? '' : asText(value)
    }
    const port = text('port') === '' ? dialect.defaultPort : Number(text('port'))
    for (const name of ['host', 'database', 'user'] as const)
      if (text(name) === '')
        throw new CausewayError('CSW-2005', { what: `Connection ${connection} has no value for \`${name}\`.` })
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new CausewayError('CSW-2005', { what: `The port of connection ${connection} is none.` })
    return {
      ...{ host: text('host'), port, database: text('database'), user: text('user'), password: text('password') },
      ...{ tls: text('tls') !== 'false', schema: text('schema') || null, timeoutMs: spec.timeout_seconds * 1000 },
    }
  }

  private open(name: string): Open {
    const open = this.streams.get(name)
    if (!open)
      throw new CausewayError('CSW-2002', { what: `Connector ${this.context.connector} has no stream ${name}.` })
    return open
  }
}

const fold = (text: string): string => text.trimEnd().toLowerCase()
