import { check } from '../fields/index.ts'
import { type FieldProblem, Refusal } from '../http/index.ts'
import type { Store, Table } from '../state/index.ts'
import { type HelpdeskRecord, type Resource, seconds } from './records.ts'

/** The records of one resource and its rules. */
export class Desk {
  readonly resource: Resource
  readonly table: Table<HelpdeskRecord>
  readonly #store: Store

  constructor(store: Store, resource: Resource) {
    this.resource = resource
    this.table = store.table<HelpdeskRecord>(resource.name)
    this.#store = store
  }

  get(id: string): HelpdeskRecord {
    const record = this.table.get(id)
    if (record === undefined || record.status === 'deleted')
      throw new Refusal(404, 'RecordNotFound', `${this.resource.wrapper} ${id} was not found`)
    return record
  }

  create(values: Record<string, unknown>): HelpdeskRecord {
    this.#validate(values, 'whole', null)
    const id = this.#store.next(this.resource.name, this.resource.firstId)
    const now = seconds()
    return this.table.put(String(id), { id, ...this.resource.defaults, ...values, created_at: now, updated_at: now })
  }

  /** Changes the given fields; every accepted write counts as a change, even one that repeats what was there. */
  update(id: string, values: Record<string, unknown>, expectedStamp?: unknown): HelpdeskRecord {
    const before = this.get(id)
    if (expectedStamp !== undefined && expectedStamp !== before.updated_at)
      throw new Refusal(409, 'UpdateConflict', `The ${this.resource.wrapper} was changed at ${before.updated_at}`)
    if (before.status === 'closed') throw new Refusal(422, 'RecordInvalid', 'Validation failed', {}, [CLOSED])
    this.#validate(values, 'part', before)
    return this.table.put(id, { ...before, ...values, updated_at: seconds() })
  }

  /** Tickets leave a mark that `updated_since` shows; people are gone at once. */
  delete(id: string): void {
    const before = this.get(id)
    if (this.resource.name === 'tickets') this.table.put(id, { ...before, status: 'deleted', updated_at: seconds() })
    else this.table.delete(id)
  }

  #validate(values: Record<string, unknown>, completeness: 'whole' | 'part', before: HelpdeskRecord | null): void {
    const problems = [...check(this.resource.fields, values, completeness), ...this.#references(values)]
    for (const field of this.resource.unique) {
      const other = this.table.find(field, values[field]).find((record) => record.id !== before?.id)
      if (other !== undefined)
        problems.push({ field, code: 'duplicate_value', message: `${field} is already used by ${other.id}` })
    }
    if (problems.length > 0) throw new Refusal(422, 'RecordInvalid', 'Validation failed', {}, problems)
  }

  #references(values: Record<string, unknown>): FieldProblem[] {
    const problems: FieldProblem[] = []
    for (const [field, table] of [
      ['requester_id', 'requesters'],
      ['assignee_id', 'agents'],
    ] as const) {
      const id = values[field]
      if (typeof id === 'number' && this.#store.table(table).get(String(id)) === undefined)
        problems.push({ field, code: 'invalid_value', message: `There is nobody with the id ${id} in ${table}` })
    }
    return problems
  }
}

const CLOSED: FieldProblem = { field: 'status', code: 'closed', message: 'A closed ticket cannot be changed' }
