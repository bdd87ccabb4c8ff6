import type { Fields } from '../fields/index.ts'
import type { Row } from '../state/index.ts'
import { INDUSTRIES, STAGES } from '../world/index.ts'

/** Every object of the CRM: its own fields beside these. Times are milliseconds since 1970. */
export type CrmRecord = Row & {
  id: string
  createdAt: number
  updatedAt: number
  archived: boolean
  archivedAt?: number
  /** Ids of records that were merged into this one. */
  mergedIds: string[]
  /** Where an archived record went, if it was merged. */
  mergedInto?: string
}

const system = {
  id: { type: 'text', readOnly: true },
  createdAt: { type: 'integer', readOnly: true },
  updatedAt: { type: 'integer', readOnly: true },
  archived: { type: 'boolean', readOnly: true },
  mergedIds: { type: 'texts', readOnly: true },
  mergedInto: { type: 'text', readOnly: true },
} as const satisfies Fields

const postal = {
  street: { type: 'text', max: 200 },
  postalCode: { type: 'text', max: 20 },
  city: { type: 'text', max: 100 },
  country: { type: 'text', form: [/^[A-Z]{2}$/, 'must be a country code of two capitals'] },
} as const satisfies Fields

export type CrmObject = {
  /** Name of the table and of the path. */
  name: 'companies' | 'contacts' | 'activities'
  singular: string
  fields: Fields
  /** Fields whose value belongs to one live record only. */
  unique: readonly string[]
  /** Fields that hold the id of another object. */
  references: Readonly<Record<string, CrmObject['name']>>
  firstId: number
}

export const OBJECTS: readonly CrmObject[] = [
  {
    name: 'companies',
    singular: 'company',
    fields: {
      ...system,
      name: { type: 'text', required: true, max: 200 },
      domain: { type: 'text', max: 200 },
      industry: { type: 'option', options: INDUSTRIES },
      vatId: { type: 'text', max: 20 },
      phone: { type: 'text', max: 40 },
      ...postal,
      employeeCount: { type: 'integer' },
      annualRevenue: { type: 'number' },
      externalId: { type: 'text', max: 100 },
    },
    unique: ['externalId', 'domain'],
    references: {},
    firstId: 50_001,
  },
  {
    name: 'contacts',
    singular: 'contact',
    fields: {
      ...system,
      firstName: { type: 'text', max: 100 },
      lastName: { type: 'text', max: 100, required: true },
      email: { type: 'email', max: 200 },
      phone: { type: 'text', max: 40 },
      mobile: { type: 'text', max: 40 },
      jobTitle: { type: 'text', max: 100 },
      companyId: { type: 'text' },
      lifecycleStage: { type: 'option', options: STAGES },
      language: { type: 'option', options: ['pl', 'de', 'fr', 'en'] },
      marketingConsent: { type: 'boolean' },
      tags: { type: 'texts' },
      ...postal,
      externalId: { type: 'text', max: 100 },
    },
    unique: ['externalId', 'email'],
    references: { companyId: 'companies' },
    firstId: 200_001,
  },
  {
    name: 'activities',
    singular: 'activity',
    fields: {
      ...system,
      type: { type: 'option', options: ['call', 'meeting', 'email', 'note', 'ticket', 'invoice'], required: true },
      subject: { type: 'text', required: true, max: 250 },
      body: { type: 'text', max: 65_000 },
      status: { type: 'option', options: ['planned', 'open', 'done', 'cancelled'] },
      occurredAt: { type: 'text', form: [/^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/, 'must be a date or a UTC time'] },
      contactId: { type: 'text' },
      companyId: { type: 'text' },
      amount: { type: 'decimal' },
      currency: { type: 'option', options: ['PLN', 'EUR', 'GBP'] },
      externalId: { type: 'text', max: 100 },
    },
    unique: ['externalId'],
    references: { contactId: 'contacts', companyId: 'companies' },
    firstId: 700_001,
  },
]
