import { phone, slug, vatId } from './contact-details.ts'
import { type Language, LOCALES } from './locales.ts'
import { type Address, address } from './people.ts'
import type { Random } from './random.ts'

export const INDUSTRIES = ['manufacturing', 'logistics', 'retail', 'food', 'construction', 'services'] as const

export type Company = {
  language: Language
  name: string
  domain: string
  industry: (typeof INDUSTRIES)[number]
  vatId: string
  phone: string
  address: Address
  employees: number
  revenue: number
}

/** Companies with different names and reserved domains. */
export function makeCompanies(random: Random, count: number): Company[] {
  const names = new Set<string>()
  const companies: Company[] = []
  while (companies.length < count) {
    const locale = random.pick(LOCALES)
    const family = random.pick(locale.last)
    const trade = random.pick(locale.trades)
    const core = random.chance(0.5) ? `${trade} ${family}` : `${family} ${trade}`
    if (names.has(core)) continue
    names.add(core)
    companies.push({
      language: locale.language,
      name: `${core} ${random.pick(locale.companyForms)}`,
      domain: `${slug(core)}.example`,
      industry: random.pick(INDUSTRIES),
      vatId: vatId(random, locale.language, companies.length + 1),
      phone: phone(random, locale.language),
      address: address(random, locale),
      employees: random.int(3, 1200),
      revenue: random.int(20_000, 90_000_000) + random.int(0, 99) / 100,
    })
  }
  return companies
}
