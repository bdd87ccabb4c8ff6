/** A collection whose records lie in a store: what changes here is written there, and what was written there is found again. */
import { isDeepStrictEqual } from 'node:util'
import type { Item } from '../paths.ts'
import { type Entry, Table } from '../table.ts'
import type { Found } from './store.ts'

export class StoredTable extends Table {
  /** Writes through; set once the store is open. */
  onChange: (entry: Entry) => Promise<void> = () => Promise.resolve()

  override async create(values: Item, now: number, dry = false): Promise<Entry> {
    const entry = await super.create(values, now, dry)
    if (!dry) await this.onChange(entry)
    return entry
  }

  override async update(...given: Parameters<Table['update']>): Promise<Entry> {
    const entry = await super.update(...given)
    if (!given[4]) await this.onChange(entry)
    return entry
  }

  override async fill(entry: Entry, bytes: Buffer): Promise<void> {
    await super.fill(entry, bytes)
    await this.onChange(entry)
  }

  override async remove(entry: Entry, now: number): Promise<void> {
    await super.remove(entry, now)
    await this.onChange(entry)
  }

  override async touch(entry: Entry, now: number): Promise<void> {
    await super.touch(entry, now)
    await this.onChange(entry)
  }

  /** Brings the entries to what lies in the store; the mark moves where that is something else. */
  take(found: readonly Found[], now: number): void {
    const there = new Set<string>()
    for (const { id, record, bytes } of found) {
      there.add(id)
      const known = this.find(id)
      if (!known || known.deleted) this.add(record, now, bytes)
      else if (!isDeepStrictEqual(known.record, record) || !sameBytes(known.bytes, bytes))
        Object.assign(known, { record, seq: this.nextMark(), ...(bytes ? { bytes } : {}) })
    }
    for (const entry of this.entries)
      if (!entry.deleted && !there.has(entry.id)) Object.assign(entry, { deleted: true, seq: this.nextMark(), at: now })
  }
}

const sameBytes = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && one.equals(other))
