import { check } from '../fields/index.ts'
import { Refusal } from '../http/index.ts'
import type { Store, Table } from '../state/index.ts'
import type { CrmObject, CrmRecord } from './records.ts'

export type Happening = 'creation' | 'propertyChange' | 'deletion' | 'merge'

/** The records of one object and the rules that hold for them, however a change comes in. */
export class Book {
  readonly object: CrmObject
  readonly table: Table<CrmRecord>
  readonly #store: Store
  readonly #happened: (object: CrmObject, happening: Happening, id: string) => void

  constructor(
    store: Store,
    object: CrmObject,
    happened: (object: CrmObject, happening: Happening, id: string) => void,
  ) {
    this.object = object
    this.table = store.table<CrmRecord>(object.name)
    this.#store = store
    this.#happened = happened
  }

  /** The live record with this id; a former id leads to the record it was merged into. */
  get(id: string): CrmRecord {
    let record = this.table.get(id)
    while (record?.mergedInto !== undefined) record = this.table.get(record.mergedInto)
    if (record === undefined || record.archived)
      throw new Refusal(404, 'OBJECT_NOT_FOUND', `There is no ${this.object.singular} ${id}`)
    return record
  }

  live(): CrmRecord[] {
    return [...this.table.rows()].filter((record) => !record.archived)
  }

  create(values: Record<string, unknown>): CrmRecord {
    this.#validate(values, 'whole')
    this.#refuseTaken(values, null)
    const id = String(this.#store.next(this.object.name, this.object.firstId))
    const now = Date.now()
    const record = { id, ...values, createdAt: now, updatedAt: now, archived: false, mergedIds: [] }
    this.table.put(id, record)
    this.#happened(this.object, 'creation', id)
    return record
  }

  /** Changes the given fields; a write that changes nothing leaves `updatedAt` alone. */
  update(id: string, values: Record<string, unknown>): CrmRecord {
    const before = this.get(id)
    this.#validate(values, 'part')
    this.#refuseTaken(values, before.id)
    const changed = Object.keys(values).some((key) => JSON.stringify(values[key]) !== JSON.stringify(before[key]))
    if (!changed) return before
    const after = this.table.put(before.id, { ...before, ...values, updatedAt: Date.now() })
    this.#happened(this.object, 'propertyChange', before.id)
    return after
  }

  /** Updates the record that has `value` in `property`, or creates it. */
  upsert(property: string, value: string, values: Record<string, unknown>): { record: CrmRecord; isNew: boolean } {
    if (!this.object.unique.includes(property))
      throw new Refusal(400, 'VALIDATION_ERROR', `${property} is not unique; use ${this.object.unique.join(' or ')}`)
    const found = this.table.find(property, value).find((record) => !record.archived)
    if (found !== undefined) return { record: this.update(found.id, values), isNew: false }
    return { record: this.create({ ...values, [property]: value }), isNew: true }
  }

  archive(id: string): void {
    const before = this.get(id)
    const now = Date.now()
    this.table.put(before.id, { ...before, archived: true, archivedAt: now, updatedAt: now })
    this.#happened(this.object, 'deletion', before.id)
  }

  /** Makes two records one. The primary keeps its values, gets those it lacks, and answers to both ids from now on. */
  merge(primaryId: string, secondaryId: string): CrmRecord {
    const primary = this.get(primaryId)
    const secondary = this.get(secondaryId)
    if (primary.id === secondary.id) throw new Refusal(400, 'VALIDATION_ERROR', 'A record cannot be merged with itself')
    const now = Date.now()
    const gone = { ...secondary, archived: true, archivedAt: now, updatedAt: now, mergedInto: primary.id }
    this.table.put(secondary.id, gone)
    const mergedIds = [...primary.mergedIds, secondary.id, ...secondary.mergedIds]
    const merged: CrmRecord = { ...primary, mergedIds, updatedAt: now }
    for (const [name, { readOnly }] of Object.entries(this.object.fields))
      if (!readOnly) merged[name] ??= secondary[name]
    this.table.put(primary.id, merged)
    this.#happened(this.object, 'merge', primary.id)
    return merged
  }

  #validate(values: Record<string, unknown>, completeness: 'whole' | 'part'): void {
    const problems = check(this.object.fields, values, completeness)
    for (const [field, target] of Object.entries(this.object.references)) {
      const id = values[field]
      if (typeof id === 'string' && this.#store.table<CrmRecord>(target).get(id) === undefined)
        problems.push({ field, code: 'INVALID_REFERENCE', message: `${field}: there is no record ${id} in ${target}` })
    }
    if (problems.length > 0) throw new Refusal(400, 'VALIDATION_ERROR', 'Property values were not valid', {}, problems)
  }

  #refuseTaken(values: Record<string, unknown>, ownId: string | null): void {
    for (const field of this.object.unique) {
      const other = this.table.find(field, values[field]).find((record) => !record.archived && record.id !== ownId)
      if (other !== undefined)
        throw new Refusal(
          409,
          'CONFLICT',
          `A ${this.object.singular} with this ${field} already exists. Existing ID: ${other.id}`,
          { existingId: other.id },
        )
    }
  }
}
