import type { Fields } from '../fields/index.ts'
import type { Row } from '../state/index.ts'
import type { Comparable } from './filter.ts'

/** ERP rows: numbers with decimals are text, days are DD.MM.YYYY, and the time of the last change is /Date(ms)/. */
export type ErpRecord = Row & { id: number; number: string; modified: string; revision: number }

const system = {
  id: { type: 'integer', readOnly: true },
  modified: { type: 'text', readOnly: true },
  revision: { type: 'integer', readOnly: true },
} as const satisfies Fields

const day = {
  type: 'text',
  form: [/^(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.\d{4}$/, 'must be a day such as 31.01.2026'],
} as const
const CURRENCIES = ['PLN', 'EUR', 'GBP'] as const
export const PAYMENT_TERMS = ['N14', 'N30', 'N60', 'PREPAID'] as const

export type Entity = {
  name: 'customers' | 'products' | 'invoices' | 'orders'
  fields: Fields
  unique: readonly string[]
  firstId: number
  /** How a number is given to a record that comes without one. */
  numberOf(id: number, year: number): string
  /** Values a new record has before the client's come. */
  defaults: Record<string, unknown>
}

const amount = { type: 'decimal' } as const

export const ENTITIES: readonly Entity[] = [
  {
    name: 'customers',
    fields: {
      ...system,
      number: { type: 'text', max: 20 },
      name: { type: 'text', required: true, max: 200 },
      kind: { type: 'option', options: ['company', 'person'], required: true },
      contactPerson: { type: 'text', max: 200 },
      vatNumber: { type: 'text', max: 20 },
      email: { type: 'email' },
      phone: { type: 'text', max: 40 },
      street: { type: 'text', max: 200 },
      postalCode: { type: 'text', max: 20 },
      city: { type: 'text', max: 100 },
      country: { type: 'text', required: true, form: [/^[A-Z]{2}$/, 'must be a country code of two capitals'] },
      paymentTerms: { type: 'option', options: PAYMENT_TERMS },
      currency: { type: 'option', options: CURRENCIES },
      creditLimit: amount,
      openBalance: { ...amount, readOnly: true },
      blocked: { type: 'option', options: ['Y', 'N'] },
      externalRef: { type: 'text', max: 100 },
      customerSince: day,
    },
    unique: ['number', 'externalRef', 'email', 'vatNumber'],
    firstId: 10_001,
    numberOf: (id) => `C-${id}`,
    defaults: { paymentTerms: 'N14', currency: 'EUR', creditLimit: '0.00', openBalance: '0.00', blocked: 'N' },
  },
  {
    name: 'products',
    fields: {
      ...system,
      number: { type: 'text', max: 20 },
      name: { type: 'text', required: true, max: 200 },
      unit: { type: 'option', options: ['szt', 'kg', 'm', 'h'], required: true },
      price: { ...amount, required: true },
      vatRate: { type: 'option', options: ['23', '19', '8', '7', '0'], required: true },
      gtin: { type: 'text', form: [/^\d{13}$/, 'must have 13 digits'] },
      stock: amount,
      active: { type: 'boolean' },
    },
    unique: ['number', 'gtin'],
    firstId: 501,
    numberOf: (id) => `P-${String(id).padStart(5, '0')}`,
    defaults: { stock: '0.000', active: true },
  },
  {
    name: 'invoices',
    fields: {
      ...system,
      number: { type: 'text', max: 30 },
      customer: { type: 'text', required: true },
      customerName: { type: 'text' },
      invoiceDate: { ...day, required: true },
      dueDate: { ...day, required: true },
      currency: { type: 'option', options: CURRENCIES, required: true },
      status: { type: 'option', options: ['draft', 'posted', 'paid', 'cancelled'] },
      lines: { type: 'list', required: true },
      net: amount,
      vat: amount,
      gross: amount,
    },
    unique: ['number'],
    firstId: 80_001,
    numberOf: (id, year) => `INV/${year}/${String(id).padStart(6, '0')}`,
    defaults: { status: 'draft' },
  },
  {
    name: 'orders',
    fields: {
      ...system,
      number: { type: 'text', max: 30 },
      customer: { type: 'text', required: true },
      orderDate: { ...day, required: true },
      currency: { type: 'option', options: CURRENCIES, required: true },
      status: { type: 'option', options: ['open', 'shipped', 'invoiced', 'cancelled'] },
      lines: { type: 'list', required: true },
      total: amount,
    },
    unique: ['number'],
    firstId: 60_001,
    numberOf: (id) => `SO-${id}`,
    defaults: { status: 'open' },
  },
]

export const moment = (ms: number): string => `/Date(${ms})/`
export const dayOf = (ms: number): string => {
  const [year, month, date] = new Date(ms).toISOString().slice(0, 10).split('-')
  return `${date}.${month}.${year}`
}

/** A field as the filter compares it: moments and days as milliseconds, decimals as numbers. */
export function comparable(entity: Entity, record: ErpRecord, name: string): Comparable {
  const value = record[name]
  if (typeof value !== 'string') return value as Comparable
  if (name === 'modified') return Number(/\d+/.exec(value)?.[0])
  const field = entity.fields[name]
  if (field?.type === 'decimal') return Number(value)
  const asDay = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(value)
  return asDay === null ? value : Date.UTC(Number(asDay[3]), Number(asDay[2]) - 1, Number(asDay[1]))
}
