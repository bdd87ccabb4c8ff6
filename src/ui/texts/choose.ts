/** The languages of the page; each has one file of messages beside this one. */
export const LANGUAGES = { en: 'English', pl: 'Polski' } as const

export type Language = keyof typeof LANGUAGES

/** The language in the address. */
export const NAME = 'lang'

const isLanguage = (text: string | null | undefined): text is Language =>
  typeof text === 'string' && Object.hasOwn(LANGUAGES, text)

/** The first of the browser's languages that the page speaks, with its region: dates of en-GB are not those of en-US. */
export const localeOf = (language: Language, wanted: readonly string[]): string =>
  wanted.find((tag) => tag.split('-')[0] === language) ?? language

/** The address is asked first, then what was chosen here before, then the browser, in the order of its wishes. */
export function chooseLanguage(address: string, kept: string | null, wanted: readonly string[]): Language {
  const asked = new URLSearchParams(address).get(NAME)
  if (isLanguage(asked)) return asked
  if (isLanguage(kept)) return kept
  return wanted.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en'
}
