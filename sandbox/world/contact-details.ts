import type { Language } from './locales.ts'
import type { Random } from './random.ts'

/**
 * Numbers that ring nowhere: the ranges Germany, France and the United Kingdom keep free for films, and a Polish one that is
 * not assigned. The spelling varies as people type it.
 */
export function phone(random: Random, language: Language): string {
  switch (language) {
    case 'de':
      return random.pick([
        `+49 30 23125 ${random.digits(3)}`,
        `0221/4710-${random.digits(3)}`,
        `(089) 99998-${random.digits(3)}`,
      ])
    case 'fr':
      return random.pick([
        `+33 1 99 00 ${random.digits(2)} ${random.digits(2)}`,
        `02.61.91.${random.digits(2)}.${random.digits(2)}`,
      ])
    case 'en':
      return random.pick([`+44 20 7946 0${random.digits(3)}`, `01632 960${random.digits(3)}`])
    case 'pl':
      return random.pick([
        `+48 12 000 ${random.digits(2)} ${random.digits(2)}`,
        `22 000-${random.digits(2)}-${random.digits(2)}`,
      ])
  }
}

export function mobile(random: Random, language: Language): string {
  switch (language) {
    case 'de':
      return `+49 171 39200${random.digits(2)}`
    case 'fr':
      return `06 39 98 ${random.digits(2)} ${random.digits(2)}`
    case 'en':
      return `+44 7700 900${random.digits(3)}`
    case 'pl':
      return `+48 000 ${random.digits(3)} ${random.digits(3)}`
  }
}

/** A number in the form of a VAT id. The series begins with zeros, which no office gives out. */
export function vatId(random: Random, language: Language, serial: number): string {
  const number = String(serial).padStart(5, '0')
  switch (language) {
    case 'de':
      return `DE000${number}${random.digits(1)}`
    case 'fr':
      return `FR00000${number}${random.digits(1)}`
    case 'en':
      return `GB000${number}${random.digits(1)}`
    case 'pl':
      return `PL000${number}${random.digits(2)}`
  }
}

const SPECIAL: Record<string, string> = { ł: 'l', Ł: 'L', ß: 'ss', œ: 'oe', Œ: 'Oe', ø: 'o', æ: 'ae' }

/** A name as it appears in addresses and host names: plain letters, digits and hyphens. */
export function slug(text: string): string {
  return text
    .replace(/[łŁßœŒøæ]/g, (letter) => SPECIAL[letter] ?? letter)
    .normalize('NFD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
