/** One stream as SQL sees it: its table or query with names quoted, and the statements that read it. */
import { asText, type Scope } from '../../language/index.ts'
import type { StreamSpec } from '../contract.ts'
import { type Dialect, quotedTable, type Statement } from './dialect.ts'
import type { SqlStream } from './fields.ts'

/** Where a read goes on: after this row. */
export type After = { changed: string | null; id: string }

export class Source {
  readonly name: string
  readonly spec: SqlStream
  /** Null where the stream is a query. */
  readonly table: string | null
  readonly id: string
  readonly changed: string | null
  /** The column that updates compare and count up. */
  readonly version: string | null
  private readonly dialect: Dialect
  private readonly from: string
  private readonly selected: string

  constructor(stream: StreamSpec<SqlStream>, dialect: Dialect, scope: Scope) {
    const { spec } = stream
    const text = (from: { evaluate(scope: Scope): unknown } | undefined) => {
      const value = from?.evaluate(scope)
      return value === undefined || value === null ? null : asText(value)
    }
    this.name = stream.name
    this.spec = spec
    this.dialect = dialect
    this.table = text(spec.table)
    this.id = text(spec.id) ?? 'id'
    this.changed = text(spec.changed?.column)
    this.version = text(spec.write?.version) || null
    const columns = spec.columns?.map((column) => dialect.quote(text(column) ?? ''))
    this.selected = columns ? columns.join(', ') : 'q.*'
    this.from = this.table === null ? `(${spec.query}) q` : `${quotedTable(dialect, this.table)} q`
  }

  /** Rows after a position: by id, or by change and id where `since` is given. */
  page(since: string | null, after: After | null, count: number): Statement {
    const { dialect } = this
    const values: string[] = []
    const param = (value: string) => {
      values.push(value)
      return dialect.placeholder(values.length)
    }
    const id = this.column(this.id)
    const conditions: string[] = []
    if (since === null) {
      if (after) conditions.push(`${id} > ${param(after.id)}`)
      return { text: dialect.limited(`${this.select(conditions)} order by ${id}`, count), values }
    }
    const changed = this.column(this.changed!)
    const from = dialect.comparable(after?.changed ?? since)
    conditions.push(`${changed} >= ${param(from)}`)
    // Rows of one moment are told apart by their id, so a page may end in the middle of them.
    if (after) conditions.push(`(${changed} > ${param(from)} or ${id} > ${param(after.id)})`)
    return { text: dialect.limited(`${this.select(conditions)} order by ${changed}, ${id}`, count), values }
  }

  /** Rows whose column holds one of the values. */
  among(column: string, values: readonly string[]): Statement {
    const { text, values: given } = this.dialect.among(this.column(column), values, 1)
    return { text: this.select([text]), values: given }
  }

  /** The newest change there is. */
  newest(): Statement {
    return {
      text: `select max(${this.column(this.changed!)}) as ${this.dialect.quote('newest')} from ${this.from}${this.where([])}`,
      values: [],
    }
  }

  column(name: string): string {
    return `q.${this.dialect.quote(name)}`
  }

  private select(conditions: string[]): string {
    return `select ${this.selected} from ${this.from}${this.where(conditions)}`
  }

  private where(conditions: string[]): string {
    const all = [...(this.spec.where ? [`(${this.spec.where})`] : []), ...conditions]
    return all.length ? ` where ${all.join(' and ')}` : ''
  }
}
