import { featuresOf } from '../../src/identity/features.ts'
import type { EntityType } from '../../src/identity/index.ts'
import type { TwoSystems } from './people.ts'

/** How hard two systems are to match: parts of the pairs that are the same, and of the second system. */
export type Shares = {
  /** Pairs of which two or more fields that both sides fill differ as they are written. */
  differing: number
  /** Pairs of which two or more fields that both sides fill differ in their comparable form as well. */
  differingInMeaning: number
  /** Pairs that have neither an e-mail address nor a telephone number in common, in any spelling. */
  withoutKey: number
  /** Records of the second system that only look like somebody of the first. */
  lookAlikes: number
}

type Texts = Record<string, string | null>

export function sharesOf(type: EntityType, { crm, erp, same, lookAlikes }: TwoSystems): Shares {
  const byNumber = new Map(erp.map((person) => [person.number, person]))
  const count = { differing: 0, differingInMeaning: 0, withoutKey: 0 }
  for (const person of crm) {
    const number = same.get(person.id)
    if (!number) continue
    const other = byNumber.get(number)!
    const { street, postcode, city, email, phone, birthDate: born } = person
    const address = street && `${street}, ${postcode} ${city}`
    const here: Texts = { name: `${person.firstName} ${person.lastName}`, email, phone, born, address }
    const there: Texts = {
      ...{ name: other.name, email: other.mail, phone: other.tel, born: other.born, address: other.address },
    }
    const [mine, theirs] = [comparable(type, here), comparable(type, there)]
    const differ = (a: Texts, b: Texts) =>
      Object.keys(here).filter((field) => a[field] && b[field] && a[field] !== b[field])
    if (differ(here, there).length >= 2) count.differing++
    if (differ(mine, theirs).length >= 2) count.differingInMeaning++
    if (!['email', 'phone'].some((field) => mine[field] && mine[field] === theirs[field])) count.withoutKey++
  }
  return {
    differing: count.differing / same.size,
    differingInMeaning: count.differingInMeaning / same.size,
    withoutKey: count.withoutKey / same.size,
    lookAlikes: lookAlikes.size / erp.length,
  }
}

function comparable(type: EntityType, texts: Texts): Texts {
  const { normal } = featuresOf(
    type,
    Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, text ? [text] : []])),
  )
  return Object.fromEntries(Object.keys(texts).map((field) => [field, normal[field]?.[0] ?? null]))
}
