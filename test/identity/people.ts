/**
 * Two systems that know many of the same people and write them differently. All names, addresses and numbers are invented; the
 * same seed gives the same people. What happens to a record on its way into a second system is described in docs/entities.md; it
 * knows nothing of how records are matched.
 */
import { Random } from '../random.ts'

type CrmPerson = {
  id: string
  firstName: string
  lastName: string
  email: string | null
  phone: string | null
  street: string | null
  postcode: string | null
  city: string | null
  birthDate: string | null
}
type ErpPerson = {
  number: string
  name: string
  mail: string | null
  tel: string | null
  address: string | null
  born: string | null
}
export type TwoSystems = {
  crm: CrmPerson[]
  erp: ErpPerson[]
  /** Which are the same person: CRM id → ERP number. */
  same: Map<string, string>
  /** ERP numbers of people who only look like somebody in the CRM. */
  lookAlikes: Set<string>
}

type Person = {
  first: string
  last: string
  email: string
  otherEmail: string
  mobile: string
  landline: string
  street: string
  house: string
  postcode: string
  city: string
  born: string
}

const FIRST =
  `Abelina Bruno Celestyna Dagny Eryk Florian Grażyna Hjalmar Iwona Jördis Kálmán Łucja Małgorzata Nepomucena Ottilie Przemysław
Quirin Rüdiger Świętosława Thérèse Ulrike Václav Wiesława Xawery Yvonne Zdzisław Agnès Björn Czesław Dorothée Eugeniusz Fryderyk
Günther Henryka Ignacy Jarosława Krzysztof Leokadia Mieczysław Noémie Ösgür Paweł Radosław Sławomir Tadeusz Urszula Violetta Walburga
Zofia Željko Anna Jan Maria Piotr Peter Thomas Susan Karen Robert Helen Frank Laura Martin Julia Stefan Clara`.split(
    /\s+/,
  )
const ROOTS =
  `Brzez Dąbr Jawor Kowal Łąk Mal Niedźwiedz Ostr Piątk Róż Sosn Świerk Tcz Wąs Zającz Żur Grün Müll Schäf Köhl Vög Weiß Bäck
Ashb Black Cald Dun Fair Hart Lang Mill North Oak Penn Red Stan Thorn Under Whit`.split(/\s+/)
const ENDINGS = ['owski', 'ewicz', 'ak', 'iński', 'er', 'mann', 'hofer', 'bach', 'ton', 'ford', 'well', 'ley']
const STREETS =
  `Długa Krótka Lipowa Polna Słoneczna Źródlana Kwiatowa Ogrodowa Łąkowa Wąska Gartenstraße Lindenstraße Schulstraße Mühlenweg
Bergstraße Hafenstraße Mill-Lane Church-Street Station-Road Park-Avenue Wodna Zamkowa Górna Dębowa Klonowa`.split(/\s+/)
const TOWNS =
  `Żabno Łęgowo Świerczyn Brzezina Kostrzyno Wąwolin Grünau Kleinfurt Mühlbach Oberthal Ashcombe Fairmoor Stonebridge`.split(
    /\s+/,
  )
const HOSTS = ['postbox.example', 'mail.example', 'letters.example', 'home.example']

const plain = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[łŁ]/g, 'l').replace(/ß/g, 'ss')

class Maker {
  readonly #random: Random
  #number = 0

  constructor(random: Random) {
    this.#random = random
  }

  person(): Person {
    const random = this.#random
    const first = random.pick(FIRST)
    const last = random.pick(ROOTS) + random.pick(ENDINGS)
    return { first, last, ...this.#reach(first, last), ...this.home(), born: this.day() }
  }

  #reach(first: string, last: string): Pick<Person, 'email' | 'otherEmail' | 'mobile'> {
    const random = this.#random
    const [f, l] = [plain(first).toLowerCase(), plain(last).toLowerCase()]
    const tail = random.chance(0.5) ? String(random.between(1, 99)) : ''
    return {
      email: `${f}.${l}${tail}@${random.pick(HOSTS)}`,
      otherEmail: `${f[0]}${l}${++this.#number}@work-${random.between(1, 400)}.example`,
      mobile: `5${this.digits(8)}`,
    }
  }

  home(): Pick<Person, 'landline' | 'street' | 'house' | 'postcode' | 'city'> {
    const random = this.#random
    return {
      landline: `22${this.digits(7)}`,
      street: random.pick(STREETS).replace('-', ' '),
      house: String(random.between(1, 180)),
      postcode: `${this.digits(2)}-${this.digits(3)}`,
      city: random.pick(TOWNS),
    }
  }

  day(): string {
    const random = this.#random
    const two = (value: number): string => String(value).padStart(2, '0')
    return `${random.between(1935, 2006)}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.#random.between(0, 9)).join('')
  }

  /** Somebody who is not this person and is easily taken for them. */
  lookAlike(person: Person): Person {
    const random = this.#random
    const other = this.person()
    const kind = random.next()
    // A namesake elsewhere.
    if (kind < 0.4) return { ...other, first: person.first, last: person.last }
    const { landline, street, house, postcode, city } = person
    const family = { ...other, last: person.last, landline, street, house, postcode, city }
    // Another member of the household, or one with the very same name.
    return kind < 0.8 ? family : { ...family, first: person.first }
  }
}

/** How the first system writes somebody: as they said it, with gaps. */
function intoCrm(random: Random, id: string, person: Person): CrmPerson {
  const maybe = (share: number, value: string): string | null => (random.chance(share) ? value : null)
  const hasAddress = random.chance(0.95)
  return {
    id,
    firstName: person.first,
    lastName: person.last,
    email: maybe(0.95, person.email),
    phone: maybe(0.93, random.chance(0.8) ? `+48 ${grouped(person.mobile)}` : `(22) ${person.landline.slice(2)}`),
    street: hasAddress ? `${person.street} ${person.house}` : null,
    postcode: hasAddress ? person.postcode : null,
    city: hasAddress ? person.city : null,
    birthDate: maybe(0.9, person.born),
  }
}

/** How the second one writes somebody: by other people, at another time, in another form. */
function intoErp(random: Random, maker: Maker, number: string, person: Person): ErpPerson {
  const moved = random.chance(0.07) ? { ...person, ...maker.home() } : person
  return {
    number,
    name: nameOf(random, person),
    mail: mailOf(random, person),
    tel: telephoneOf(random, maker, person),
    address: random.chance(0.9) ? addressOf(random, moved) : null,
    born: random.chance(0.88) ? (random.chance(0.02) ? slip(random, person.born, '0123456789') : person.born) : null,
  }
}

function nameOf(random: Random, person: Person): string {
  let first = person.first
  let last = person.last
  if (random.chance(0.03)) first = `${first[0]}.`
  else if (random.chance(0.06)) first = `${first} ${random.pick(FIRST)}`
  if (random.chance(0.12)) last = slip(random, last, 'abcdefghijklmnoprstuwyz')
  let name = random.chance(0.5) ? `${last} ${first}` : `${first} ${last}`
  if (random.chance(0.4)) name = plain(name)
  if (random.chance(0.2)) name = name.toUpperCase()
  return name
}

function mailOf(random: Random, person: Person): string | null {
  if (random.chance(0.1)) return null
  if (random.chance(0.36)) return person.otherEmail
  if (random.chance(0.03)) return slip(random, person.email, 'abcdefghijklmnoprstuwyz')
  return random.chance(0.2) ? person.email.toUpperCase() : person.email
}

function telephoneOf(random: Random, maker: Maker, person: Person): string | null {
  if (random.chance(0.12)) return null
  if (random.chance(0.2)) return `0048 6${maker.digits(8)}`
  const digits = random.chance(0.8) ? person.mobile : person.landline
  return random.pick([
    digits,
    `+48${digits}`,
    `0048 ${grouped(digits)}`,
    `+48 ${digits.slice(0, 2)} ${digits.slice(2)}`,
    grouped(digits),
  ])
}

function addressOf(random: Random, { street, house, postcode, city }: Person): string {
  let way = street
  if (random.chance(0.4))
    way = way
      .replace('straße', random.pick(['str.', 'strasse']))
      .replace('Street', 'St')
      .replace('Road', 'Rd')
  if (random.chance(0.3) && way === street) way = `ul. ${way}`
  if (random.chance(0.06)) way = slip(random, way, 'abcdefghijklmnoprstuwyz')
  const line = random.chance(0.5) ? `${way} ${house}, ${postcode} ${city}` : `${postcode} ${city}, ${way} ${house}`
  return random.chance(0.3) ? plain(line) : line
}

const grouped = (digits: string): string => digits.replace(/(\d{3})(?=\d)/g, '$1 ')

/** One slip of a finger: a letter too many, too few, another one, or two in each other's place. */
function slip(random: Random, text: string, letters: string): string {
  const at = random.between(1, text.length - 2)
  const [before, here, next, after] = [text.slice(0, at), text[at]!, text[at + 1] ?? '', text.slice(at + 2)]
  const letter = random.pick([...letters])
  return random.pick([
    before + next + here + after,
    before + next + after,
    before + here + letter + next + after,
    before + letter + next + after,
  ])
}

/** `size` records in each system, 60 % of them the same people; 5 % of the second system's only look like somebody of the first. */
export function twoSystems(size: number, seed: number): TwoSystems {
  const random = new Random(seed)
  const maker = new Maker(random)
  const [shared, alike] = [Math.round(size * 0.6), Math.round(size * 0.05)]
  const crm: CrmPerson[] = []
  const erp: ErpPerson[] = []
  const same = new Map<string, string>()
  const lookAlikes = new Set<string>()
  for (let i = 0; i < size; i++) {
    const person = maker.person()
    const [id, number] = [`c${100_000 + i}`, `${700_000 + ((i * 7_919) % size)}`]
    crm.push(intoCrm(random, id, person))
    if (i < shared) same.set(id, number)
    const inErp = i < shared ? person : i < shared + alike ? maker.lookAlike(person) : maker.person()
    if (i >= shared && i < shared + alike) lookAlikes.add(number)
    erp.push(intoErp(random, maker, number, inErp))
  }
  return { crm: random.shuffled(crm), erp: random.shuffled(erp), same, lookAlikes }
}
