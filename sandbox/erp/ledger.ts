import { check } from '../fields/index.ts'
import { type FieldProblem, Refusal } from '../http/index.ts'
import type { Store, Table } from '../state/index.ts'
import { fromUnits, lineNet, vatOf } from './money.ts'
import { type Entity, type ErpRecord, moment } from './records.ts'

/** The records of one entity and their rules. */
export class Ledger {
  readonly entity: Entity
  readonly table: Table<ErpRecord>
  readonly #store: Store

  constructor(store: Store, entity: Entity) {
    this.entity = entity
    this.table = store.table<ErpRecord>(entity.name)
    this.#store = store
  }

  get(id: string): ErpRecord {
    const record = this.table.get(id)
    if (record === undefined) throw new Refusal(404, 'NOT_FOUND', `${this.entity.name}(${id}) does not exist`)
    return record
  }

  create(values: Record<string, unknown>): ErpRecord {
    this.#validate(values, null)
    const id = this.#store.next(this.entity.name, this.entity.firstId)
    const number = values.number ?? this.entity.numberOf(id, new Date().getUTCFullYear())
    const record = { id, ...this.entity.defaults, ...values, number, ...this.#totals(values) }
    return this.table.put(String(id), { ...record, modified: moment(Date.now()), revision: 1 } as ErpRecord)
  }

  /** Takes the whole record: what is not given is emptied, what is required must be given. */
  replace(id: string, values: Record<string, unknown>, ifMatch: string): ErpRecord {
    const before = this.#forWriting(id, ifMatch)
    this.#validate(values, before)
    const kept = { id: before.id, number: before.number, openBalance: before.openBalance }
    return this.#save(before, { ...this.entity.defaults, ...kept, ...values })
  }

  /** Takes only what changes. */
  change(id: string, values: Record<string, unknown>, ifMatch: string): ErpRecord {
    const before = this.#forWriting(id, ifMatch)
    this.#validate(values, before, 'part')
    return this.#save(before, { ...before, ...values })
  }

  delete(id: string): void {
    const before = this.get(id)
    if (this.entity.name === 'customers' && this.#hasDocuments(before.number))
      throw new Refusal(409, 'HAS_DOCUMENTS', `Customer ${before.number} has invoices or orders; block it instead`)
    if (this.entity.name === 'invoices' && before.status !== 'draft')
      throw new Refusal(409, 'POSTED', `Invoice ${before.number} is posted; cancel it instead`)
    this.table.delete(id)
  }

  #save(before: ErpRecord, values: Record<string, unknown>): ErpRecord {
    const record = { ...values, ...this.#totals(values), modified: moment(Date.now()), revision: before.revision + 1 }
    return this.table.put(String(before.id), record as ErpRecord)
  }

  #forWriting(id: string, ifMatch: string): ErpRecord {
    const record = this.get(id)
    if (ifMatch !== '' && ifMatch !== '*' && ifMatch !== etag(record))
      throw new Refusal(412, 'STALE', `${this.entity.name}(${id}) was changed meanwhile; its ETag is ${etag(record)}`)
    return record
  }

  #validate(values: Record<string, unknown>, before: ErpRecord | null, completeness: 'whole' | 'part' = 'whole'): void {
    const problems: FieldProblem[] = check(this.entity.fields, values, completeness)
    const customer = values.customer
    if (typeof customer === 'string' && this.#store.table('customers').find('number', customer).length === 0)
      problems.push({ field: 'customer', code: 'unknown_customer', message: `There is no customer ${customer}` })
    if (problems.length > 0)
      throw new Refusal(422, 'VALIDATION', `${this.entity.name}: ${problems.length} field(s) refused`, {}, problems)
    for (const field of this.entity.unique) this.#refuseDuplicate(field, values[field], before)
  }

  #refuseDuplicate(field: string, value: unknown, before: ErpRecord | null): void {
    const other = this.table.find(field, value).find((record) => record.id !== before?.id)
    if (other === undefined) return
    throw new Refusal(409, 'DUPLICATE', `${field} ${String(value)} already belongs to ${other.number}`, {
      target: field,
      existing: { id: other.id, number: other.number },
    })
  }

  #hasDocuments(number: string): boolean {
    return ['invoices', 'orders'].some((name) => this.#store.table(name).find('customer', number).length > 0)
  }

  /** Amounts follow from the lines; nobody may invent them. */
  #totals(values: Record<string, unknown>): Record<string, unknown> {
    if (!Array.isArray(values.lines)) return {}
    const lines = values.lines as Record<string, string>[]
    const nets = lines.map((line) => lineNet(line.quantity ?? '0', line.unitPrice ?? '0'))
    const net = nets.reduce((sum, one) => sum + one, 0n)
    if (this.entity.name === 'orders') return { total: fromUnits(net, 2) }
    const vat = lines.reduce((sum, line, i) => sum + vatOf(nets[i] ?? 0n, line.vatRate ?? '0'), 0n)
    return { net: fromUnits(net, 2), vat: fromUnits(vat, 2), gross: fromUnits(net + vat, 2) }
  }
}

export const etag = (record: ErpRecord): string => `W/"${record.id}-${record.revision}"`
