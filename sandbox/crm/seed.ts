import type { Store } from '../state/index.ts'
import { PAST_ENDS, past, type World } from '../world/index.ts'
import { type CrmRecord, OBJECTS } from './records.ts'

/** Fills a new CRM: 300 companies, 2,000 contacts and a past of activities. */
export function seedCrm(store: Store, world: World): void {
  const random = world.random.for('crm')
  // A large import once gave many records the very same time of change, more than fit on one page.
  const importedAt = PAST_ENDS - 40 * 24 * 3_600_000
  const put = (name: string, values: Record<string, unknown>, updatedAt: number): string => {
    const object = OBJECTS.find((one) => one.name === name)!
    const id = String(store.next(name, object.firstId))
    const createdAt = updatedAt - random.int(0, 300) * 86_400_000
    const record: CrmRecord = { id, ...values, createdAt, updatedAt, archived: false, mergedIds: [] }
    store.table<CrmRecord>(name).put(id, record)
    return id
  }
  const companyIds = world.companies.map((company) =>
    put(
      'companies',
      {
        name: company.name,
        domain: company.domain,
        industry: company.industry,
        vatId: company.vatId,
        phone: company.phone,
        ...company.address,
        employeeCount: company.employees,
        annualRevenue: company.revenue,
        externalId: null,
      },
      past(random),
    ),
  )
  const contactIds = world.contacts.map((contact, index) =>
    put(
      'contacts',
      {
        firstName: contact.firstName,
        lastName: contact.lastName,
        email: contact.email,
        phone: random.chance(0.8) ? contact.phone : null,
        mobile: random.chance(0.6) ? contact.mobile : null,
        jobTitle: contact.company === null ? null : contact.jobTitle,
        companyId: contact.company === null ? null : companyIds[contact.company],
        lifecycleStage: contact.stage,
        language: contact.language,
        marketingConsent: random.chance(0.4),
        tags: random.chance(0.3) ? [random.pick(['VIP', 'newsletter', 'targi-2026', 'Messe'])] : [],
        ...contact.address,
        externalId: null,
      },
      index >= 1200 && index < 1450 ? importedAt : past(random),
    ),
  )
  for (let i = 0; i < 400; i++) {
    const at = past(random)
    const [type, subject] = random.pick([
      ['call', 'Rozmowa o przedłużeniu umowy'],
      ['meeting', 'Erstgespräch mit der Geschäftsführung'],
      ['email', 'Relance après l’envoi du devis'],
      ['note', 'Prefers to be called after 2 pm'],
    ] as const)
    const occurredAt = new Date(at).toISOString()
    put('activities', { type, subject, body: null, status: 'done', occurredAt, contactId: random.pick(contactIds) }, at)
  }
}
