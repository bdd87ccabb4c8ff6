/** What every stand-in keeps of a record: plain JSON, replaced as a whole and never changed in place. */
export type Row = Record<string, unknown>
/** One change of one record; `null` means it is gone. */
export type Change = [table: string, id: string, row: Row | null]

/** Records of one type by id, in the order they were made, with look-ups by field. */
export class Table<R extends Row = Row> {
  readonly name: string
  readonly #rows = new Map<string, R>()
  readonly #indexes = new Map<string, Map<string, Set<string>>>()
  readonly #onChange: (table: string, id: string, before: Row | null, after: Row | null) => void

  constructor(name: string, onChange: (table: string, id: string, before: Row | null, after: Row | null) => void) {
    this.name = name
    this.#onChange = onChange
  }

  get size(): number {
    return this.#rows.size
  }

  get(id: string): R | undefined {
    return this.#rows.get(id)
  }

  rows(): IterableIterator<R> {
    return this.#rows.values()
  }

  entries(): IterableIterator<[string, R]> {
    return this.#rows.entries()
  }

  put(id: string, row: R): R {
    const before = this.#rows.get(id) ?? null
    this.restore(id, row)
    this.#onChange(this.name, id, before, row)
    return row
  }

  delete(id: string): void {
    const before = this.#rows.get(id)
    if (before === undefined) return
    this.restore(id, null)
    this.#onChange(this.name, id, before, null)
  }

  /** Sets a row without telling anybody: how a saved state comes back. */
  restore(id: string, row: R | null): void {
    const before = this.#rows.get(id)
    for (const [field, index] of this.#indexes) {
      if (before !== undefined) index.get(indexKey(before[field]))?.delete(id)
      if (row !== null) addTo(index, indexKey(row[field]), id)
    }
    if (row === null) this.#rows.delete(id)
    else this.#rows.set(id, row)
  }

  /** Rows whose text field has this value; upper and lower case do not count, as in most real systems. */
  find(field: string, value: unknown): R[] {
    let index = this.#indexes.get(field)
    if (index === undefined) {
      index = new Map()
      for (const [id, row] of this.#rows) addTo(index, indexKey(row[field]), id)
      this.#indexes.set(field, index)
    }
    const key = indexKey(value)
    if (key === '') return []
    return [...(index.get(key) ?? [])].map((id) => this.#rows.get(id) as R)
  }
}

const indexKey = (value: unknown): string =>
  value === null || value === undefined ? '' : String(value).normalize('NFC').toLowerCase()

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  if (key === '') return
  const ids = index.get(key)
  if (ids === undefined) index.set(key, new Set([id]))
  else ids.add(id)
}
