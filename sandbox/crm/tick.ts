import { LOCALES, PersonMaker, type Random, STAGES, slug } from '../world/index.ts'
import type { Book } from './book.ts'

/** What the people in sales do in a few seconds: mostly corrections, now and then a new contact, rarely a deletion. */
export function tickCrm(random: Random, contacts: Book, companies: Book): void {
  const people = contacts.live()
  for (let i = random.int(1, 3); i > 0; i--) {
    const person = random.pick(people)
    const change = random.pick([
      { jobTitle: random.pick(['Head of Purchasing', 'Główna księgowa', 'Werkleiterin', 'Chef d’atelier']) },
      { lifecycleStage: random.pick(STAGES) },
      { phone: `+49 30 23125 ${random.digits(3)}` },
      { marketingConsent: person.marketingConsent !== true },
    ])
    contacts.update(person.id, change)
  }
  if (random.chance(0.3) && people.length < 3000) addContact(random, contacts, companies)
  if (random.chance(0.1)) companies.update(random.pick(companies.live()).id, { employeeCount: random.int(3, 1200) })
  if (random.chance(0.05)) contacts.archive(random.pick(people).id)
  if (random.chance(0.01)) contacts.merge(random.pick(people.slice(0, 900)).id, random.pick(people.slice(900, 1800)).id)
}

function addContact(random: Random, contacts: Book, companies: Book): void {
  const company = random.pick(companies.live())
  const domain = typeof company.domain === 'string' ? company.domain : `${slug(String(company.name))}.example`
  const person = new PersonMaker(random).make(domain, random.pick(LOCALES))
  // Somebody of the same name may work there already; a number keeps the address unique.
  const taken = contacts.table.find('email', person.email).length > 0
  const email = taken ? person.email.replace('@', `.${random.digits(5)}@`) : person.email
  contacts.create({
    firstName: person.firstName,
    lastName: person.lastName,
    email,
    phone: person.phone,
    companyId: company.id,
    lifecycleStage: random.pick(['lead', 'customer']),
    language: person.language,
    marketingConsent: false,
    tags: [],
    ...person.address,
  })
}
