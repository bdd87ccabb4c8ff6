import { lazily } from '../../core/index.ts'
import { type DocumentedFunction, wrongArgument } from './documented.ts'

type Countries = typeof import('i18n-iso-countries')
const package_ = lazily<Countries>('i18n-iso-countries')
const languages = new Map<string, boolean>()

/** The package with the names of one language loaded; a language it does not have is a fault of the mapping. */
function inLanguage(language: string, index: number): Countries {
  const countries = package_()
  if (!languages.has(language)) {
    const known = /^[a-z]{2}$/.test(language) && countries.langs().includes(language)
    if (known) countries.registerLocale(lazily<never>(`i18n-iso-countries/langs/${language}.json`)())
    languages.set(language, known)
  }
  if (!languages.get(language)) throw wrongArgument(index, language)
  return countries
}

function codeOf(text: string | undefined, language: string): string | undefined {
  const trimmed = text?.trim()
  if (!trimmed) return undefined
  const upper = trimmed.toUpperCase()
  const countries = package_()
  if (/^[A-Z]{2}$/.test(upper)) return countries.isValid(upper) ? upper : undefined
  if (/^[A-Z]{3}$/.test(upper) && countries.alpha3ToAlpha2(upper)) return countries.alpha3ToAlpha2(upper)
  return inLanguage(language, 2).getSimpleAlpha2Code(trimmed, language)
}

export const placeFunctions: Record<string, DocumentedFunction> = {
  countryCode: {
    usage: '$countryCode(text, language?)',
    sense:
      'ISO 3166-1 code of two letters for a code of two or three letters or a name; nothing where there is none. The names are English unless a language is given.',
    signature: '<s-s?:s>',
    implementation: (text?: string, language = 'en') => codeOf(text, language),
    examples: [
      ['$countryCode("Niemcy", "pl")', 'DE'],
      ['$countryCode("pol")', 'PL'],
      ['$countryCode("Atlantis")', null],
    ],
  },
  countryCode3: {
    usage: '$countryCode3(text, language?)',
    sense: 'The same as a code of three letters.',
    signature: '<s-s?:s>',
    implementation: (text?: string, language = 'en') => {
      const code = codeOf(text, language)
      return code === undefined ? undefined : package_().alpha2ToAlpha3(code)
    },
    examples: [['$countryCode3("Poland")', 'POL']],
  },
  countryName: {
    usage: '$countryName(code, language?)',
    sense: 'The name of a country, English unless a language is given.',
    signature: '<s-s?:s>',
    implementation: (text?: string, language = 'en') => {
      const code = codeOf(text, language)
      return code === undefined ? undefined : inLanguage(language, 2).getName(code, language)
    },
    examples: [
      ['$countryName("CZ", "pl")', 'Czechy'],
      ['$countryName("DEU")', 'Germany'],
    ],
  },
}
