import { join } from 'node:path'
import { AppendLog } from './append-log.ts'
import { type Change, type Row, Table } from './table.ts'

/** Who made a change: a client through the API, the clock, a test through the side door, or the first start. */
export type Actor = 'api' | 'clock' | 'test' | 'seed'
export type JournalEntry = {
  seq: number
  at: number
  actor: Actor
  operation: 'create' | 'update' | 'delete'
  table: string
  id: string
  after: Row | null
}

const FORMAT = 1
const JOURNAL_KEEPS = 50_000
const ROWS_PER_LINE = 500
const COMPACT_ABOVE = 32 * 1024 * 1024
const COUNTERS = '#counters'

/** The state of one stand-in: tables in memory and, where a folder is given, a log on disk that is never behind an answer. */
export class Store {
  actor: Actor = 'seed'
  readonly #tables = new Map<string, Table>()
  readonly #log: AppendLog | null
  #pending: Change[] = []
  #journal: JournalEntry[] = []
  #seq = 0
  #compactAt = COMPACT_ABOVE

  constructor(name: string, folder: string | null) {
    this.#log = folder === null ? null : new AppendLog(join(folder, `${name}.jsonl`))
  }

  table<R extends Row>(name: string): Table<R> {
    let table = this.#tables.get(name)
    if (table === undefined) {
      table = new Table(name, (...change) => this.#note(...change))
      this.#tables.set(name, table)
    }
    return table as unknown as Table<R>
  }

  tables(): Table[] {
    return [...this.#tables.values()].filter((table) => table.name !== COUNTERS)
  }

  /** The next number of a series; never given out twice, not even after a deletion or a restart. */
  next(series: string, first = 1): number {
    const counters = this.table<{ next: number }>(COUNTERS)
    const value = counters.get(series)?.next ?? first
    counters.put(series, { next: value + 1 })
    return value
  }

  /** Brings back the saved state, or fills a new one and saves it. */
  start(seed: () => void): void {
    const lines = this.#log?.open() ?? null
    if (lines === null) {
      seed()
      this.#pending = []
      this.#journal = []
      this.#compact()
    } else this.#restore(lines)
    this.actor = 'api'
  }

  /** Saves everything changed since the last commit as one line: after a kill it is there wholly or not at all. */
  commit(): void {
    if (this.#pending.length === 0) return
    this.#log?.append(JSON.stringify(this.#pending))
    this.#pending = []
    if (this.#log !== null && this.#log.size > this.#compactAt) this.#compact()
  }

  /** Runs changes under another name in the journal and commits them. Must not await: changes of others would slip in. */
  as<T>(actor: Actor, work: () => T): T {
    const before = this.actor
    this.actor = actor
    try {
      return work()
    } finally {
      this.actor = before
      this.commit()
    }
  }

  journal(since = 0): JournalEntry[] {
    return this.#journal.filter((entry) => entry.seq > since)
  }

  clearJournal(): void {
    this.#journal = []
  }

  close(): void {
    this.commit()
    this.#log?.close()
  }

  #note(table: string, id: string, before: Row | null, after: Row | null): void {
    this.#pending.push([table, id, after])
    if (table === COUNTERS) return
    const operation = after === null ? 'delete' : before === null ? 'create' : 'update'
    this.#journal.push({ seq: ++this.#seq, at: Date.now(), actor: this.actor, operation, table, id, after })
    if (this.#journal.length > JOURNAL_KEEPS) this.#journal.splice(0, JOURNAL_KEEPS / 2)
  }

  #restore(lines: string[]): void {
    const head = JSON.parse(lines[0] ?? '{}') as { format?: number }
    if (head.format !== FORMAT)
      throw new Error(
        `${this.#log?.path} was written by another version of the sample systems (format ${head.format}, wanted ${FORMAT}). Delete the folder to start with new sample data.`,
      )
    for (const line of lines.slice(1))
      for (const [table, id, row] of JSON.parse(line) as Change[]) this.table(table).restore(id, row)
    // Starts are the cheap moment to drop states that have been replaced since.
    if (lines.length > 200) this.#compact()
    else this.#compactAt = Math.max(COMPACT_ABOVE, 2 * (this.#log?.size ?? 0))
  }

  #compact(): void {
    if (this.#log === null) return
    this.#log.replace(this.#snapshot())
    this.#compactAt = Math.max(COMPACT_ABOVE, 2 * this.#log.size)
  }

  *#snapshot(): Generator<string> {
    yield JSON.stringify({ format: FORMAT })
    for (const table of this.#tables.values()) {
      let line: Change[] = []
      for (const [id, row] of table.entries()) {
        line.push([table.name, id, row])
        if (line.length === ROWS_PER_LINE) {
          yield JSON.stringify(line)
          line = []
        }
      }
      if (line.length > 0) yield JSON.stringify(line)
    }
  }
}
