import { mobile, phone, slug } from './contact-details.ts'
import { type Language, LOCALES, type Locale } from './locales.ts'
import type { Random } from './random.ts'

export type Address = { street: string; postalCode: string; city: string; country: string }
export type Person = {
  language: Language
  firstName: string
  lastName: string
  email: string
  phone: string
  mobile: string
  address: Address
}

/** Makes people with addresses that exist nowhere (`.example` is reserved) and with no e-mail address given twice. */
export class PersonMaker {
  readonly #random: Random
  readonly #taken = new Set<string>()

  constructor(random: Random) {
    this.#random = random
  }

  make(domain: string, locale: Locale = this.#random.pick(LOCALES)): Person {
    const random = this.#random
    const female = random.chance(0.5)
    const firstName = random.pick(female ? locale.female : locale.male)
    const lastName = inflect(random.pick(locale.last), locale.language, female)
    return {
      language: locale.language,
      firstName,
      lastName,
      email: this.#email(`${slug(firstName)}.${slug(lastName)}`, domain),
      phone: phone(random, locale.language),
      mobile: mobile(random, locale.language),
      address: address(random, locale),
    }
  }

  #email(local: string, domain: string): string {
    let email = `${local}@${domain}`
    for (let n = 2; this.#taken.has(email); n++) email = `${local}${n}@${domain}`
    this.#taken.add(email)
    return email
  }
}

/** Polish surnames in -ski end in -ska for women. */
const inflect = (last: string, language: Language, female: boolean): string =>
  language === 'pl' && female ? last.replace(/ki$/, 'ka') : last

export function address(random: Random, locale: Locale): Address {
  const [city, postalCode] = random.pick(locale.cities)
  const number = random.int(1, 180)
  const street = random.pick(locale.streets)
  const inFront = locale.language === 'fr' || locale.language === 'en'
  return { street: inFront ? `${number} ${street}` : `${street} ${number}`, postalCode, city, country: locale.country }
}
