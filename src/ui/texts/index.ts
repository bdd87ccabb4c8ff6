import { type FormatXMLElementFn, IntlMessageFormat, type PrimitiveType } from 'intl-messageformat'
import { createElement, Fragment, type ReactNode } from 'react'
import type { Language } from './choose.ts'
import type english from './en.json'
import { language, locale } from './language.ts'

export { LANGUAGES, type Language } from './choose.ts'
export { language, locale, setLanguage } from './language.ts'

type Catalogue = typeof english
export type Group = keyof Catalogue
/** `page.message`, as the files of messages have it. */
export type Key = { [G in Group]: `${G}.${keyof Catalogue[G] & string}` }[Group]

const FILES: Record<Language, () => Promise<{ default: Record<string, Record<string, string>> }>> = {
  en: () => import('./en.json'),
  pl: () => import('./pl.json'),
}

/** The hub's English sentences about its error codes, each with the same in the language; English needs none. */
const SENTENCES: Partial<Record<Language, () => Promise<{ default: Record<string, string> }>>> = {
  pl: () => import('./codes.pl.json'),
}

// Whoever imports this module waits for it, so that texts may be made anywhere, also while a module is read.
const [catalogue, sentences] = await Promise.all([
  FILES[language]().then((file) => file.default),
  SENTENCES[language]?.().then((file) => file.default),
])
if (typeof document !== 'undefined') document.documentElement.lang = language

const parsed = new Map<string, IntlMessageFormat>()

const rawOf = (key: Key): string => {
  const [group = '', name = ''] = key.split('.')
  return catalogue[group]?.[name] ?? key
}

/** Messages are ICU MessageFormat; each is parsed once, when it is first shown. */
function messageOf(key: Key): IntlMessageFormat {
  const message = parsed.get(key) ?? new IntlMessageFormat(rawOf(key), locale)
  parsed.set(key, message)
  return message
}

/** What makes a message more than the words it consists of: arguments, tags, quoted signs. */
const MORE_THAN_WORDS = /[{}<>'#]/

/** A text of the page in the language of the page. Most are words alone, which nobody needs to parse: there are hundreds at the start. */
export function t(key: Key, values?: Record<string, PrimitiveType>): string {
  const raw = rawOf(key)
  return MORE_THAN_WORDS.test(raw) ? String(messageOf(key).format(values)) : raw
}

type Part = ReactNode | FormatXMLElementFn<ReactNode>

/** A text with parts of the page in it: `{name}` is put in as it is, `<link>words</link>` goes through the function `link`. */
export function rich(key: Key, values: Record<string, Part>): ReactNode {
  const parts = messageOf(key).format<ReactNode>(values as Record<string, ReactNode>)
  // As arguments, not as a list: the parts of a sentence need no keys.
  return Array.isArray(parts) ? createElement(Fragment, null, ...parts) : parts
}

/** The page's word for a word of the API (a state, an outcome); one that it does not know is shown as it came. */
export function word(group: Group, name: string): string {
  const words = catalogue[group] ?? {}
  return Object.hasOwn(words, name) ? (words[name] ?? name) : name.replaceAll('_', ' ')
}

/**
 * What the hub says a code means, or what to do about it. Looked up by the sentence, not by the code: a sentence that was made for one
 * occurrence is not in the file, and stays as it came.
 */
export const sentence = (text: string): string =>
  sentences !== undefined && Object.hasOwn(sentences, text) ? (sentences[text] ?? text) : text

const numbers = new Intl.NumberFormat(locale)

/** A number as the language writes it. */
export const number = (value: number): string => numbers.format(value)
