import { lazily } from '../../core/index.ts'
import { type DocumentedFunction, wrongArgument } from './documented.ts'

type Phones = typeof import('libphonenumber-js/min')
const phones = lazily<Phones>('libphonenumber-js/min')

/** libphonenumber knows which numbers can exist; what cannot is nothing, so that `?:` and tests can deal with it. */
function parsed(text: string | undefined, country: string | undefined) {
  if (text === undefined || text.length > 250) return undefined
  const region = country?.toUpperCase()
  if (region !== undefined && !phones().isSupportedCountry(region)) throw wrongArgument(2, country)
  const found = phones().parsePhoneNumberFromString(text, region as Parameters<Phones['isSupportedCountry']>[0] & 'PL')
  return found?.isPossible() ? found : undefined
}

export const phoneFunctions: Record<string, DocumentedFunction> = {
  phone: {
    usage: '$phone(text, country?)',
    sense:
      'The number as E.164 (`+48221234567`), nothing where it cannot be a phone number. The country (ISO code) is that of numbers without a prefix.',
    signature: '<s-s?:s>',
    implementation: (text?: string, country?: string) => parsed(text, country)?.number,
    examples: [
      ['$phone("22 000-11-22", "PL")', '+48220001122'],
      ['$phone("0049 (0)89 99998-123", "PL")', '+498999998123'],
      ['$phone("call me")', null],
    ],
  },
  phoneFormat: {
    usage: '$phoneFormat(text, style, country?)',
    sense: 'The number as people write it: style `national`, `international` or `uri` (`tel:…`).',
    signature: '<sss?:s>',
    implementation: (text?: string, style?: string, country?: string) => {
      const number = parsed(text, country)
      if (style === 'national') return number?.formatNational()
      if (style === 'international') return number?.formatInternational()
      if (style === 'uri') return number?.getURI()
      throw wrongArgument(2, style)
    },
    examples: [
      ['$phoneFormat("+48220001122", "international")', '+48 22 000 11 22'],
      ['$phoneFormat("+48220001122", "uri")', 'tel:+48220001122'],
    ],
  },
  phoneCountry: {
    usage: '$phoneCountry(text, country?)',
    sense: 'The country of a number as ISO code, nothing where it is not known.',
    signature: '<s-s?:s>',
    implementation: (text?: string, country?: string) => parsed(text, country)?.country,
    examples: [['$phoneCountry("+49 89 99998123")', 'DE']],
  },
}
