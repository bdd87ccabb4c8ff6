/** The records of one collection: made from its samples, changed by writes, with a feed of changes. */
import { sampleBytes, tellOf } from './bytes.ts'
import type { Collection } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import { writeMoment } from './moments.ts'
import { at, type Item, leaves, merged, put, stepsOf } from './paths.ts'
import { Refusal } from './problem.ts'
import { fill } from './template.ts'
import { faultOf } from './value-kinds.ts'

export type Entry = { id: string; record: Item; deleted: boolean; seq: number; at: number; bytes?: Buffer }

/** What happened to a record, in the order in which it did. */
export type Happening = Pick<Entry, 'id' | 'record' | 'seq' | 'at'> & { kind: 'created' | 'updated' | 'deleted' }

export class Table {
  readonly name: string
  readonly collection: Collection
  readonly entries: Entry[] = []
  readonly happened: Happening[] = []
  private readonly expressions: Expressions
  private readonly byId = new Map<string, Entry>()
  /** Where paths of the vendor end in nothing, as far as writes are concerned. */
  private made = 0
  private seq = 0

  constructor(name: string, collection: Collection, expressions: Expressions) {
    this.name = name
    this.collection = collection
    this.expressions = expressions
  }

  /** The highest mark of the feed of changes. */
  get mark(): number {
    return this.seq
  }

  find(id: string): Entry | undefined {
    return this.byId.get(id)
  }

  /** Records that are there, including those only marked as deleted. */
  get present(): Entry[] {
    return this.collection.deletes.how === 'flag' ? this.entries : this.entries.filter(({ deleted }) => !deleted)
  }

  /** Fills the table: variants of the samples, oldest change first, every third sharing its moment with its neighbours. */
  async populate(now: number): Promise<void> {
    const { samples, count, step, vary } = this.collection
    for (let i = 0; i < Math.max(count, samples.length); i++) {
      const record = structuredClone(samples[i % samples.length]!)
      if (i >= samples.length) {
        put(record, this.collection.id.field, await this.nextId({}))
        for (const path of this.collection.unique) put(record, path, variant(at(record, path), i))
        const id = at(record, this.collection.id.field)
        for (const [path, template] of Object.entries(vary ?? {}))
          put(record, path, await fill(template, { i, id, record }, this.expressions))
      }
      const moment = now - (Math.ceil((count - i) / 3) + 1) * step * 1000
      await this.stamp(record, moment, 'created')
      await this.stamp(record, moment, 'updated')
      const { content } = this.collection
      const bytes = content && (!content.of || at(record, content.of) != null) ? sampleBytes(i) : undefined
      if (bytes) tellOf(record, bytes, content!)
      await this.computed(record, moment)
      const entry = this.add(record, moment)
      if (bytes) entry.bytes = bytes
    }
  }

  /** Makes a record of what a request gives. Throws a refusal where the vendor does not take it. */
  async create(values: Item, now: number, dry = false): Promise<Entry> {
    this.check(values, null)
    const { id } = this.collection
    const given = at(values, id.field)
    const made = given === undefined || given === null ? await this.nextId(values) : given
    if (this.byId.has(String(made)) && !this.byId.get(String(made))!.deleted)
      throw new Refusal('duplicate', { reason: 'unique', field: id.field, value: made, id: made })
    const names: Names = { n: this.made, id: made, now: new Date(now).toISOString(), values }
    const base = (await fill(this.collection.new ?? {}, names, this.expressions)) as Item
    const record = merged(base, values)
    put(record, id.field, made)
    await this.stamp(record, now, 'created')
    await this.stamp(record, now, 'updated')
    await this.computed(record, now)
    const entry: Entry = { id: String(made), record, deleted: false, seq: 0, at: now }
    return dry ? entry : this.add(record, now)
  }

  /** Changes a record. `merge` says what becomes of members that are not given. */
  async update(
    entry: Entry,
    values: Item,
    how: 'deep' | 'shallow' | 'replace',
    now: number,
    dry = false,
  ): Promise<Entry> {
    this.check(values, entry)
    const id = at(entry.record, this.collection.id.field)
    const before =
      how === 'replace'
        ? ((await fill(
            this.collection.new ?? {},
            { n: this.made, id, now: new Date(now).toISOString(), values },
            this.expressions,
          )) as Item)
        : entry.record
    const record = how === 'deep' || how === 'replace' ? merged(before, values) : { ...before, ...values }
    put(record, this.collection.id.field, id)
    if (this.collection.created && how === 'replace')
      for (const path of [this.collection.created.field, ...(this.collection.created.also ?? [])])
        put(record, path, at(entry.record, path))
    await this.stamp(record, now, 'updated')
    await this.computed(record, now)
    if (dry) return { ...entry, record }
    Object.assign(entry, { record, deleted: this.isGone(record, entry.deleted), seq: ++this.seq, at: now })
    this.note(entry, 'updated')
    return entry
  }

  /** Gives a record its bytes. */
  async fill(entry: Entry, bytes: Buffer): Promise<void> {
    entry.bytes = bytes
    entry.record = structuredClone(entry.record)
    if (this.collection.content) tellOf(entry.record, bytes, this.collection.content)
    await this.computed(entry.record, entry.at)
  }

  async remove(entry: Entry, now: number): Promise<void> {
    const { deletes } = this.collection
    if (deletes.how === 'flag') {
      const set = (await fill(
        deletes.set,
        { now: new Date(now).toISOString(), record: entry.record },
        this.expressions,
      )) as Item
      entry.record = merged(entry.record, set)
      await this.stamp(entry.record, now, 'updated')
    }
    Object.assign(entry, { deleted: true, seq: ++this.seq, at: now })
    this.note(entry, 'deleted')
  }

  /** A write may bring back what was only marked as deleted, or set the mark itself. */
  private isGone(record: Item, before: boolean): boolean {
    const { deletes } = this.collection
    if (deletes.how !== 'flag') return before
    const marks = leaves(deletes.set).filter(([, value]) => !String(value).includes('${'))
    return marks.length ? marks.every(([path, value]) => at(record, path) === value) : before
  }

  /** A change that somebody made in the system itself: new moment, and a new mark in the feed. */
  async touch(entry: Entry, now: number): Promise<void> {
    entry.record = structuredClone(entry.record)
    await this.stamp(entry.record, now, 'updated')
    await this.computed(entry.record, now)
    Object.assign(entry, { seq: ++this.seq, at: now })
    this.note(entry, 'updated')
  }

  private note({ id, record, seq, at: moment }: Entry, kind: Happening['kind']): void {
    this.happened.push({ id, record, seq, at: moment, kind })
  }

  protected nextMark(): number {
    return ++this.seq
  }

  protected add(record: Item, now: number, bytes?: Buffer): Entry {
    const entry: Entry = {
      id: String(at(record, this.collection.id.field)),
      record,
      deleted: false,
      seq: this.nextMark(),
      at: now,
      ...(bytes ? { bytes } : {}),
    }
    const before = this.byId.get(entry.id)
    if (before) this.entries.splice(this.entries.indexOf(before), 1)
    this.entries.push(entry)
    this.byId.set(entry.id, entry)
    this.note(entry, 'created')
    return entry
  }

  private async nextId(values: Item): Promise<unknown> {
    for (;;) {
      const made = await fill(this.collection.id.make, { n: this.made++, values }, this.expressions)
      if (!this.byId.has(String(made))) return made
    }
  }

  private async stamp(record: Item, ms: number, which: 'created' | 'updated'): Promise<void> {
    const spec = this.collection[which]
    if (!spec) return
    const value = await writeMoment(spec.as, ms, this.expressions)
    for (const path of [spec.field, ...(spec.also ?? [])]) put(record, path, value)
  }

  private async computed(record: Item, now: number): Promise<void> {
    for (const [path, template] of Object.entries(this.collection.derive ?? {})) {
      const value = await fill(template, { record, now: new Date(now).toISOString() }, this.expressions)
      if (value !== undefined) put(record, path, value)
    }
  }

  /** What a vendor checks before it writes: names, kinds, required members, unique values. */
  private check(values: Item, entry: Entry | null): void {
    const { writable, required, unique } = this.collection
    if (writable) for (const [path, value] of leaves(values)) if (path) this.checkMember(writable, path, value)
    for (const path of required) {
      const value = at(values, path)
      if (value === null || value === '' || (value === undefined && !entry))
        throw new Refusal('invalid', { reason: 'required', field: path })
    }
    for (const path of unique) {
      const value = at(values, path)
      if (value === undefined || value === null || value === '') continue
      const taken = this.present.find(
        (other) =>
          other !== entry &&
          !other.deleted &&
          String(at(other.record, path)).toLowerCase() === String(value).toLowerCase(),
      )
      if (taken)
        throw new Refusal('duplicate', {
          reason: 'unique',
          field: path,
          value,
          id: at(taken.record, this.collection.id.field),
        })
    }
  }

  private checkMember(writable: NonNullable<Collection['writable']>, path: string, value: unknown): void {
    const steps = stepsOf(path)
    for (let length = steps.length; length > 0; length--) {
      const prefix = steps.slice(0, length).join('.')
      const kind = writable[prefix] ?? writable[[...steps.slice(0, length - 1), '*'].join('.')]
      if (kind === undefined) continue
      // An object of which members are named holds those and no others.
      if (length < steps.length && Object.keys(writable).some((known) => known.startsWith(`${prefix}.`))) break
      // A kind for an object holds for all that is in it.
      const fault =
        length === steps.length ? faultOf(kind, value) : kind === 'object' || kind === 'any' ? null : 'is not an object'
      if (fault) throw new Refusal('invalid', { reason: 'kind', field: path, value, message: `${path} ${fault}` })
      return
    }
    throw new Refusal('invalid', { reason: 'unknown', field: path, value, message: `Unknown field ${path}` }, true)
  }
}

/** The same value once more, but different: unique over generated records. */
function variant(value: unknown, i: number): unknown {
  if (typeof value === 'number') return value + i
  if (typeof value !== 'string') return value
  if (value.includes('@')) return value.replace('@', `.${i}@`)
  if (/^https?:/.test(value)) return `${value.replace(/\/$/, '')}/${i}`
  if (/^[\w-]+(\.[\w-]+)+$/.test(value)) return `v${i}.${value}`
  return /^\d+$/.test(value) ? String(BigInt(value) + BigInt(i)).padStart(value.length, '0') : `${value}-${i}`
}
