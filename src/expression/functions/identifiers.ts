import { createHash } from 'node:crypto'
import { lazily } from '../../core/index.ts'
import type { DocumentedFunction } from './documented.ts'

type Vat = typeof import('jsvat')
type Iban = typeof import('ibantools')
const vat = lazily<Vat>('jsvat')
const iban = lazily<Iban>('ibantools')

function checkedVat(text: string | undefined, country: string | undefined): string | undefined {
  if (text === undefined || text.length > 40) return undefined
  const bare = text.replace(/[\s.-]/g, '').toUpperCase()
  const { checkVAT, countries } = vat()
  const tried = country === undefined || bare.startsWith(country.toUpperCase()) ? bare : country.toUpperCase() + bare
  const { isValid, value } = checkVAT(tried, countries)
  if (!isValid || !value) return undefined
  return value.startsWith('PL') && nipRemainder(value.slice(2)) === 10 ? undefined : value
}

/** The package takes a remainder of 10 for a check digit of 0; such numbers are never given out (Polish Ministry of Finance). */
const nipRemainder = (digits: string): number =>
  [6, 5, 7, 2, 3, 4, 5, 6, 7].reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0) % 11

/** UUID version 5 (RFC 9562) in a name space of our own, so that the same parts give the same id everywhere. */
const NAMESPACE = Buffer.from('8f2c1b64d6f24a0e9d0c5a7e3b1f4c92', 'hex')

function stableId(parts: readonly unknown[]): string {
  const hash = createHash('sha1').update(NAMESPACE).update(JSON.stringify(parts)).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export const identifierFunctions: Record<string, DocumentedFunction> = {
  vatId: {
    usage: '$vatId(text, country?)',
    sense:
      'A European VAT number with its country, without blanks; nothing where its check digit or form is wrong. The country is added where the number stands without.',
    signature: '<s-s?:s>',
    implementation: checkedVat,
    examples: [
      ['$vatId("PL 525-244-57-67")', 'PL5252445767'],
      ['$vatId("525-244-57-67", "PL")', 'PL5252445767'],
      ['$vatId("PL5252445768")', null],
    ],
  },
  nip: {
    usage: '$nip(text)',
    sense: 'A Polish tax number as ten digits; nothing where its check digit is wrong.',
    signature: '<s-:s>',
    implementation: (text?: string) => checkedVat(text, 'PL')?.slice(2),
    examples: [
      ['$nip("525-244-57-67")', '5252445767'],
      ['$nip("1234567890")', null],
    ],
  },
  iban: {
    usage: '$iban(text)',
    sense: 'An account number (IBAN) without blanks; nothing where its check digits or length are wrong.',
    signature: '<s-:s>',
    implementation: (text?: string) => {
      const plain = text === undefined || text.length > 60 ? null : iban().electronicFormatIBAN(text)
      return plain !== null && iban().isValidIBAN(plain) ? plain : undefined
    },
    examples: [
      ['$iban("pl61 1090 1014 0000 0712 1981 2874")', 'PL61109010140000071219812874'],
      ['$iban("PL62109010140000071219812874")', null],
    ],
  },
  stableId: {
    usage: '$stableId(parts)',
    sense: 'A UUID made of a list of values: the same list gives the same id, in every run and on every machine.',
    signature: '<a:s>',
    implementation: (parts?: unknown[]) => (parts === undefined ? undefined : stableId(parts)),
    examples: [
      ['$stableId(["crm", 7]) = $stableId(["crm", 7])', true],
      ['$stableId(["crm", 7]) = $stableId(["crm", "7"])', false],
    ],
  },
}
