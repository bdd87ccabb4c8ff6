/**
 * The kinds of fields that entities are told apart by. Declared once: the schema, the docs, the matcher and the search take them
 * from here.
 */
import { lazily } from '../core/index.ts'
import { isOneSlip, wordsLikeness } from './similarity.ts'
import { fold, withoutDigraphs, wordsOf } from './text-forms.ts'

type Phones = typeof import('libphonenumber-js/min')
const phones = lazily<Phones>('libphonenumber-js/min')

type FieldKind = {
  description: string
  /** The form in which values are compared; null for what is no value of this kind. `country`: two letters, of the entity file. */
  normalise(value: string, country: string): string | null
  /** 1: the same. Above 0: alike. 0: says nothing. Below, to -1: different. Of normalised values. */
  compare(a: string, b: string): number
  /** Whether the same value by itself makes two records candidates, and finds them in a search. */
  isKey: boolean
  /** Words by which a record is found in a search. */
  words(normal: string): string[]
  /** Further keys that bring records together to be compared, written so that a slip of a finger does not change all of them. */
  blocks(normal: string): string[]
}

const NONE = (): string[] => []
const sameOrSlip =
  (slip: number) =>
  (a: string, b: string): number =>
    a === b ? 1 : isOneSlip(a, b) ? slip : -1

/** Between `floor`, which says nothing, and 1; below `different` it speaks against. */
const graded = (likeness: number, floor: number, different: number): number => {
  if (likeness >= floor) return 0.2 + (0.8 * (likeness - floor)) / (1 - floor)
  return likeness < different ? -1 : 0
}

const person: FieldKind = {
  description:
    'Name of a person: case, accents, order of the words, initials and second names do not matter; slips are forgiven.',
  normalise: (value) => orNull(wordsOf(fold(value)).map(withoutDigraphs).join(' ')),
  compare(a, b) {
    if (a === b) return 1
    const { mean, least } = wordsLikeness(wordsOf(a), wordsOf(b))
    // Brothers share a name and not the other: the word that differs decides.
    return least < 0.5 ? -1 : graded(mean, 0.78, 0.6)
  },
  isKey: false,
  words: wordsOf,
  blocks(normal) {
    const words = wordsOf(normal).filter((word) => word.length > 1)
    const initials = wordsOf(normal).filter((word) => word.length === 1)
    const pairs = words.flatMap((one, i) => words.slice(i + 1).map((other) => [one, other] as const))
    return [
      ...pairs.flatMap(([one, other]) => {
        const [first, second] = one < other ? [one, other] : [other, one]
        return [`${first.slice(0, 3)}+${second.slice(0, 3)}`, `${one}/${other[0]}`, `${other}/${one[0]}`]
      }),
      // Of whom no first name is known but its letter.
      ...initials.flatMap((initial) => words.map((word) => `${word}/${initial}`)),
    ]
  },
}

const LEGAL_FORMS =
  /\b(sp z o o|sp zoo|spzoo|spolka z ograniczona odpowiedzialnoscia|spolka akcyjna|sp k|sp j|s a|gmbh( co kg)?|ag|kg|ohg|ug|ltd|limited|llc|inc|corp|plc|sa|sarl|sas|s r o|a s|bv|nv|oy|ab|as|aps|srl|spa|kft|zrt)\b/g

const AND: ReadonlySet<string> = new Set(['and', 'und', 'i', 'et', 'y', 'e'])

const company: FieldKind = {
  description: 'Name of a company: as `person`, and the legal form (GmbH, Sp. z o.o., Ltd) does not matter.',
  normalise(value) {
    const folded = wordsOf(fold(value))
      .filter((word) => !AND.has(word))
      .map(withoutDigraphs)
      .join(' ')
    return orNull(folded.replace(LEGAL_FORMS, ' ').replace(/\s+/g, ' ').trim() || folded)
  },
  compare(a, b) {
    if (a === b || a.replaceAll(' ', '') === b.replaceAll(' ', '')) return 1
    const { mean } = wordsLikeness(wordsOf(a), wordsOf(b))
    return graded(mean, 0.8, 0.6)
  },
  isKey: false,
  words: wordsOf,
  blocks: (normal) => {
    const joined = normal.replaceAll(' ', '')
    return [joined.slice(0, 6), ...wordsOf(normal).filter((word) => word.length > 3)]
  },
}

const email: FieldKind = {
  description: 'E-mail address: case and blanks around it do not matter.',
  normalise: (value) => (/^[^\p{C}]*@[^\p{C}]*$/u.test(value) ? value.normalize('NFC').trim().toLowerCase() : null),
  compare: sameOrSlip(0.7),
  isKey: true,
  words: NONE,
  blocks: NONE,
}

const phone: FieldKind = {
  description:
    'Telephone number, compared as E.164; numbers without a country code belong to the `country` of the file.',
  normalise(value, country) {
    const region = country as Parameters<Phones['isSupportedCountry']>[0] & 'PL'
    const parsed = value.length > 100 ? undefined : phones().parsePhoneNumberFromString(value, region)
    if (parsed?.isPossible()) return parsed.number
    const digits = value.replace(/\D/g, '')
    return digits.length >= 5 ? digits : null
  },
  compare: sameOrSlip(0.6),
  isKey: true,
  words: NONE,
  blocks: NONE,
}

const code: FieldKind = {
  description: 'A number that identifies: VAT, tax, customer number. Case, blanks, dots and dashes do not matter.',
  normalise: (value) =>
    orNull(
      value
        .normalize('NFKC')
        .toUpperCase()
        .replace(/[^\p{L}\p{N}]/gu, ''),
    ),
  compare: sameOrSlip(0.3),
  isKey: true,
  words: NONE,
  blocks: NONE,
}

const vat: FieldKind = {
  description: 'VAT number: as `code`, with or without the letters of the country before it.',
  normalise: (value, country) => {
    const bare = code.normalise(value, country)
    return bare === null ? null : /^[A-Z]{2}/.test(bare) ? bare : `${country}${bare}`
  },
  compare: sameOrSlip(0.3),
  isKey: true,
  words: NONE,
  blocks: NONE,
}

const date: FieldKind = {
  description:
    'A day, as `2001-12-31`; anything behind it is left out. One wrong digit, or day and month in each other’s place, is forgiven.',
  normalise: (value) => /^\d{4}-\d{2}-\d{2}(?!\d)/.exec(value)?.[0] ?? null,
  compare(a, b) {
    if (a === b) return 1
    const [year, month, day] = a.split('-')
    return b === `${year}-${day}-${month}` || isOneSlip(a, b) ? 0.4 : -1
  },
  isKey: false,
  words: NONE,
  blocks: (normal) => [normal],
}

const STREET_WORDS: Readonly<Record<string, string>> = {
  ulica: '',
  ul: '',
  al: 'aleja',
  aleje: 'aleja',
  os: 'osiedle',
  pl: 'plac',
  str: 'strasse',
  street: 'st',
  road: 'rd',
  avenue: 'ave',
  lane: 'ln',
  square: 'sq',
  m: '',
  lok: '',
}

const address: FieldKind = {
  description:
    'Postal address in one text: order and abbreviations of words do not matter, but the numbers in it must agree.',
  normalise: (value) =>
    orNull(
      wordsOf(fold(value).replace(/(\D)str\b/g, '$1strasse'))
        .map((word) => STREET_WORDS[word] ?? word)
        .filter((word) => word !== '')
        .map(withoutDigraphs)
        .join(' '),
    ),
  compare(a, b) {
    if (a === b) return 1
    const [here, there] = [a, b].map((text) => wordsOf(text).filter((word) => /\d/.test(word)))
    const [few, many] = here!.length <= there!.length ? [here!, there!] : [there!, here!]
    const agree = few.filter((word) => many.includes(word)).length
    const words = (text: string): string[] => wordsOf(text).filter((word) => !/\d/.test(word))
    const { mean } = wordsLikeness(words(a), words(b))
    const numbers = few.length ? agree / few.length : 1
    return numbers < 0.5 ? -1 : graded(mean * (0.7 + 0.3 * numbers), 0.7, 0.5)
  },
  isKey: false,
  words: NONE,
  // The numbers of a street and its postcode together are few people's.
  blocks: (normal) => {
    const numbers = wordsOf(normal).filter((word) => /\d/.test(word))
    return numbers.length > 1 ? [[...numbers].sort().join('+')] : []
  },
}

const text: FieldKind = {
  description: 'Any text: case, accents and punctuation do not matter; slips are forgiven.',
  normalise: (value) => orNull(fold(value)),
  compare: (a, b) => (a === b ? 1 : graded(wordsLikeness(wordsOf(a), wordsOf(b)).mean, 0.8, 0.6)),
  isKey: false,
  words: wordsOf,
  blocks: NONE,
}

const orNull = (value: string): string | null => (value === '' ? null : value)

export const FIELD_KINDS = { person, company, email, phone, vat, code, date, address, text } as const
export type FieldKindName = keyof typeof FIELD_KINDS
