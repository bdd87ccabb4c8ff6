import { type Company, makeCompanies } from './companies.ts'
import { type Person, PersonMaker } from './people.ts'
import { Random } from './random.ts'

export { INDUSTRIES } from './companies.ts'
export { slug } from './contact-details.ts'
export { LOCALES } from './locales.ts'
export { type Person, PersonMaker } from './people.ts'
export { Random } from './random.ts'

/** How far the relation with a person has come; decides who is known to the ERP as well. */
export const STAGES = ['lead', 'qualified', 'customer', 'partner', 'former'] as const
type Stage = (typeof STAGES)[number]

type Contact = Person & { company: number | null; stage: Stage; jobTitle: string }

/**
 * The invented world the systems look at from different sides: a person may be a contact in the CRM, a customer in the ERP
 * and a requester at the helpdesk, spelled alike or not. `staff` works for "Wiślana & Söhne", the company that owns the systems.
 */
export type World = {
  random: Random
  companies: Company[]
  contacts: Contact[]
  staff: Person[]
}

/** The last moment of the invented past: records of a fresh sandbox were last changed in the two years before it. */
export const PAST_ENDS = Date.UTC(2026, 5, 30, 12)
const TWO_YEARS = 2 * 365 * 24 * 3_600_000
export const STAFF_DOMAIN = 'wislana-soehne.example'

const TITLES = ['Einkäufer', 'Kierowniczka zakupów', 'Directeur général', 'Operations Manager', 'Księgowa', 'IT Lead']

/** Builds the world of a seed: the same people, companies and relations every time. */
export function makeWorld(seed: number): World {
  const random = new Random(seed)
  const companies = makeCompanies(random.for('companies'), 300)
  return { random, companies, contacts: makeContacts(random.for('contacts'), companies), staff: makeStaff(random) }
}

function makeContacts(random: Random, companies: Company[]): Contact[] {
  const maker = new PersonMaker(random)
  return Array.from({ length: 2000 }, () => {
    const company = random.chance(0.85) ? random.int(0, companies.length - 1) : null
    const domain = company === null ? 'postbox.example' : (companies[company] as Company).domain
    const dice = random.next()
    const stage: Stage =
      dice < 0.45 ? 'customer' : dice < 0.7 ? 'lead' : dice < 0.88 ? 'qualified' : dice < 0.95 ? 'partner' : 'former'
    return { ...maker.make(domain), company, stage, jobTitle: random.pick(TITLES) }
  })
}

function makeStaff(random: Random): Person[] {
  const maker = new PersonMaker(random.for('staff'))
  return Array.from({ length: 120 }, () => maker.make(STAFF_DOMAIN))
}

/** A moment of the invented past. */
export const past = (random: Random): number => PAST_ENDS - Math.floor(random.next() * TWO_YEARS)
