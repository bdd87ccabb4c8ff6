/** Writes records in transactions of many rows, and tells what became of each. */
import { setTimeout as wait } from 'node:timers/promises'
import { asCausewayError, backoffMs, CausewayError, nearestName } from '../../../core/index.ts'
import type { WriteItem, WriteOperation, WriteOutcome } from '../../contract.ts'
import { usableId } from '../../manifest/record.ts'
import { failedOutcome } from '../../parts/outcome.ts'
import { chunksOf } from '../../parts/pool.ts'
import { refuseIfTooLate } from '../../parts/right-to-send.ts'
import { type Column, type Dialect, quotedTable, type SqlLink, type SqlValue } from './dialect.ts'
import { isAnswered, isOfRow } from './failure.ts'
import type { Links } from './links.ts'

export type Table = {
  name: string
  id: string
  key: readonly string[]
  version: string | null
  softDelete: string | null
  batch: number
  columns: ReadonlyMap<string, Column>
}

/** An item with its values as parameters, in the order of `columns`. */
type Ready = { item: WriteItem; columns: string[]; values: SqlValue[] }

/** `maySend` is asked just before each commit. */
type Options = { signal: AbortSignal; maySend?: (() => boolean) | undefined }

/** How often a transaction that met another one is tried. */
const ATTEMPTS = 4
const BACKOFF = { baseMs: 50, capMs: 2_000 }

export class TableWriter {
  private readonly links: Links
  private readonly dialect: Dialect
  private readonly table: Table

  constructor(links: Links, dialect: Dialect, table: Table) {
    this.links = links
    this.dialect = dialect
    this.table = table
  }

  /** Outcomes in the order of the items; nothing is thrown for a row that fails. */
  async write(operation: WriteOperation, items: WriteItem[], options: Options): Promise<WriteOutcome[]> {
    const outcomes = new Map<string, WriteOutcome>()
    const ready: Ready[] = []
    for (const item of items) {
      try {
        ready.push(operation === 'delete' ? { item, columns: [], values: [] } : this.prepared(item))
      } catch (error) {
        outcomes.set(item.ref, failedOutcome(item.ref, asCausewayError(error)))
      }
    }
    for (const chunk of chunksOf(ready, this.table.batch))
      for (const outcome of await this.chunk(operation, chunk, options)) outcomes.set(outcome.ref, outcome)
    return items.map(({ ref }) => outcomes.get(ref)!)
  }

  private prepared(item: WriteItem): Ready {
    const { key } = item
    const given = key && !(key.field in item.values) ? { [key.field]: key.value, ...item.values } : item.values
    const columns = Object.keys(given)
    return { item, columns, values: columns.map((name) => this.dialect.parameter(given[name]!, this.column(name))) }
  }

  private column(name: string): Column {
    const column = this.table.columns.get(name)
    if (column) return column
    const near = nearestName(name, [...this.table.columns.keys()])
    throw new CausewayError('CSW-2056', {
      what: `Table ${this.table.name} has no column ${JSON.stringify(name)}.`,
      ...(near ? { fix: `Did you mean "${near}"? Correct the mapping.` } : {}),
    })
  }

  /** One transaction; the rows that spoil it are found by halving, so that the others are written. */
  private async chunk(operation: WriteOperation, chunk: Ready[], options: Options): Promise<WriteOutcome[]> {
    const { signal } = options
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.links.with('write', signal, (link) => this.transaction(link, operation, chunk, options))
      } catch (thrown) {
        const error = asCausewayError(thrown)
        if (isOfRow(error) && chunk.length > 1) {
          const middle = Math.ceil(chunk.length / 2)
          const first = await this.chunk(operation, chunk.slice(0, middle), options)
          return [...first, ...(await this.chunk(operation, chunk.slice(middle), options))]
        }
        const passing = error.code === 'CSW-3017' || error.code === 'CSW-3001'
        if (!passing || attempt >= ATTEMPTS || signal.aborted)
          return chunk.map(({ item }) => failedOutcome(item.ref, error))
        await wait(backoffMs(attempt, BACKOFF), undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Throws what failed before the commit: then nothing is done. A commit whose answer is lost is CSW-3012. */
  private async transaction(link: SqlLink, operation: WriteOperation, chunk: Ready[], { signal, maySend }: Options) {
    const { begin, commit, rollback } = this.dialect
    await link.query(begin, [], signal)
    try {
      const outcomes = await this.statements(link, operation, chunk, signal)
      refuseIfTooLate(maySend)
      await link.query(commit, [], signal).catch((error) => Promise.reject(commitFailure(error)))
      return outcomes
    } catch (error) {
      if (!link.lost) await link.query(rollback, [], signal).catch(() => link.close())
      throw error
    }
  }

  private async statements(
    link: SqlLink,
    operation: WriteOperation,
    chunk: Ready[],
    signal: AbortSignal,
  ): Promise<WriteOutcome[]> {
    if (operation === 'create' || operation === 'upsert')
      return this.inserts(link, chunk, operation === 'upsert' ? this.table.key : null, signal)
    const outcomes: WriteOutcome[] = []
    for (const ready of chunk)
      outcomes.push(
        operation === 'delete' ? await this.remove(link, ready, signal) : await this.update(link, ready, signal),
      )
    return outcomes
  }

  /** Rows with the same columns share a statement. */
  private async inserts(
    link: SqlLink,
    chunk: Ready[],
    key: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<WriteOutcome[]> {
    const { name, id } = this.table
    const outcomes: WriteOutcome[] = []
    for (const group of Map.groupBy(chunk, ({ columns }) => JSON.stringify(columns)).values()) {
      const { columns } = group[0]!
      const most = columns.length === 0 ? 1 : this.dialect.rowsPerInsert({ columns, id, key })
      for (const rows of chunksOf(group, most)) {
        const shape = { table: name, columns, rows: rows.map(({ values }) => values), key, id }
        const { text, values } = this.dialect.insert(shape)
        const result = await link.query(text, values, signal)
        for (const [i, ready] of rows.entries()) {
          const made = usableId(result.rows[i]?.id) ?? usableId(ready.item.values[id]) ?? result.insertId
          outcomes.push(written(ready.item, made ?? (await this.idOf(link, ready, signal))))
        }
      }
    }
    return outcomes
  }

  /** The id of a row just written, where neither the values nor the database said it: by its key. */
  private async idOf(link: SqlLink, { columns, values, item }: Ready, signal: AbortSignal): Promise<string> {
    const { quote, placeholder } = this.dialect
    const key = this.table.key.filter((name) => columns.includes(name))
    const given = key.map((name) => values[columns.indexOf(name)]!)
    const conditions = key.map((name, i) => `${quote(name)} = ${placeholder(i + 1)}`).join(' and ')
    const text = `select ${quote(this.table.id)} as ${quote('id')} from ${quotedTable(this.dialect, this.table.name)} where ${conditions}`
    const found = key.length ? (await link.query(text, given, signal)).rows.map((row) => usableId(row.id)) : []
    if (found.length === 1 && found[0]) return found[0]
    if (item.id !== undefined) return item.id
    throw new CausewayError('CSW-2056', {
      what: `The database does not say which id a row of ${this.table.name} got.`,
      fix: `Let the mapping give ${JSON.stringify(this.table.id)}, or let the database make it (identity, auto_increment).`,
    })
  }

  private async update(link: SqlLink, { item, columns, values }: Ready, signal: AbortSignal): Promise<WriteOutcome> {
    const { quote, placeholder } = this.dialect
    const { version } = this.table
    const sets = columns.map((name, i) => `${quote(name)} = ${placeholder(i + 1)}`)
    if (version !== null && !columns.includes(version)) sets.push(`${quote(version)} = ${quote(version)} + 1`)
    if (sets.length === 0) return this.there(link, item, signal)
    const given = [...values, item.id!]
    const conditions = [`${quote(this.table.id)} = ${placeholder(given.length)}`]
    const compared = version === null ? undefined : item.ifVersion
    if (compared !== undefined) {
      given.push(plainVersion(compared))
      conditions.push(`${quote(version!)} = ${placeholder(given.length)}`)
    }
    const text = `update ${quotedTable(this.dialect, this.table.name)} set ${sets.join(', ')} where ${conditions.join(' and ')}`
    const { affected } = await link.query(text, given, signal)
    if (affected > 0) return written(item, item.id!)
    const there = await this.there(link, item, signal)
    if (there.status !== 'written') return there
    const what = `A row of ${this.table.name} changed since it was read.`
    return { ref: item.ref, status: 'conflict', error: new CausewayError('CSW-3013', { what }) }
  }

  private async there(link: SqlLink, item: WriteItem, signal: AbortSignal): Promise<WriteOutcome> {
    const { quote, placeholder } = this.dialect
    const text = `select 1 as ${quote('found')} from ${quotedTable(this.dialect, this.table.name)} where ${quote(this.table.id)} = ${placeholder(1)}`
    const { rows } = await link.query(text, [item.id!], signal)
    return rows.length ? written(item, item.id!) : missing(item, this.table.name)
  }

  private async remove(link: SqlLink, { item }: Ready, signal: AbortSignal): Promise<WriteOutcome> {
    const { quote, placeholder, now } = this.dialect
    const { name, id, softDelete } = this.table
    const where = `where ${quote(id)} = ${placeholder(1)}`
    const table = quotedTable(this.dialect, name)
    const text = softDelete
      ? `update ${table} set ${quote(softDelete)} = coalesce(${quote(softDelete)}, ${now}) ${where}`
      : `delete from ${table} ${where}`
    const { affected } = await link.query(text, [item.id!], signal)
    return affected > 0 ? written(item, item.id!) : missing(item, name)
  }
}

/** A database that answered "no" to a commit has rolled back; one that did not answer may have done either. */
function commitFailure(error: unknown): CausewayError {
  const failure = asCausewayError(error)
  if (isAnswered(failure) && failure.code !== 'CSW-3001') return failure
  return new CausewayError('CSW-3012', {
    what: `The answer to a commit was lost, so its rows may be there: ${failure.message}`,
    cause: failure,
  })
}

/** Versions that are numbers are kept padded to a sortable width. */
const plainVersion = (version: string): string => (/^\d{40}$/.test(version) ? BigInt(version).toString() : version)

const written = (item: WriteItem, id: string): WriteOutcome => ({ ref: item.ref, status: 'written', id })

const missing = (item: WriteItem, table: string): WriteOutcome => ({
  ref: item.ref,
  status: 'missing',
  error: new CausewayError('CSW-3009', { what: `Table ${table} has no row with that id.` }),
})
