import { chooseLanguage, type Language, localeOf, NAME } from './choose.ts'

const KEPT = 'causeway.language'

// Parts of the page are tested without a browser.
const inBrowser = typeof document !== 'undefined'
const wishes = inBrowser ? navigator.languages : []

export const language: Language = inBrowser ? chooseLanguage(location.search, localStorage.getItem(KEPT), wishes) : 'en'

/** What numbers, dates and plurals are formatted for. */
export const locale = localeOf(language, wishes)

/** Keeps the choice and loads the page again: all that is looked at stands in the address, so that nothing is lost. */
export function setLanguage(wanted: Language): void {
  localStorage.setItem(KEPT, wanted)
  const query = new URLSearchParams(location.search)
  query.delete(NAME)
  location.replace(`${location.pathname}${query.size ? `?${query}` : ''}${location.hash}`)
}
