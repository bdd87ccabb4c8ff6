import { isObject, type Json, type JsonObject } from '../core/index.ts'
import type { EntityType } from './contract.ts'
import { FIELD_KINDS } from './kinds.ts'
import { fold, withoutDigraphs, wordsOf } from './text-forms.ts'

/** The fields of one record as its stream's entry in the entity file gives them. */
export type Shown = Record<string, string[]>

/** A record as the matcher sees it: what is shown, its normalised values, and the keys it is found by. */
export type Features = { shown: Shown; normal: Record<string, string[]>; keys: string[] }

/** More values of one field, or longer ones, are no more telling; a record must not fill the index by itself. */
const MOST_VALUES = 20
const MOST_KEYS = 80
const LONGEST = 200

/** The texts of a field: several values where the expression gives a list. Nothing, blank and nested values are none. */
export function textsOf(value: Json | undefined): string[] {
  const texts = (Array.isArray(value) ? value : [value]).flatMap((one) => {
    // Postgres has no text with U+0000 in it.
    if (typeof one === 'string') return [one.replaceAll('\u0000', '').trim()]
    return typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : []
  })
  return [...new Set(texts)].filter((text) => text !== '').slice(0, MOST_VALUES)
}

export function shownOf(type: EntityType, fields: Json | undefined): Shown {
  if (!isObject(fields)) return {}
  return Object.fromEntries(
    type.fields
      .map(({ name }) => [name, textsOf((fields as JsonObject)[name])] as const)
      .filter(([, texts]) => texts.length > 0),
  )
}

export function featuresOf(type: EntityType, shown: Shown): Features {
  const normal: Features['normal'] = {}
  const keys = new Set<string>()
  for (const { name, kind } of type.fields) {
    const { normalise, isKey, words, blocks } = FIELD_KINDS[kind]
    const values = [
      ...new Set((shown[name] ?? []).flatMap((text) => normalise(text.slice(0, LONGEST), type.country) ?? [])),
    ]
    if (!values.length) continue
    normal[name] = values
    for (const value of values) {
      if (isKey) keys.add(keyFor(kind, name, value))
      for (const word of words(value)) keys.add(wordKey(word))
      for (const block of blocks(value)) keys.add(`b.${kind}=${block}`)
    }
  }
  return { shown, normal, keys: [...keys].slice(0, MOST_KEYS) }
}

/** Two fields of telephone numbers are about the same numbers; two fields of codes are not about the same codes. */
export const keyFor = (kind: keyof typeof FIELD_KINDS, field: string, normal: string): string =>
  kind === 'code' ? `code.${field}=${normal}` : `${kind}=${normal}`

const wordKey = (word: string): string => `w=${word}`

/** Keys under which two records become candidates; words are for the search alone. */
export const blocksOf = (keys: readonly string[]): string[] => keys.filter((key) => !key.startsWith('w='))

/** What a search text may stand for: whole keys, and the words of a name. */
export function searchKeys(type: EntityType, text: string): { keys: string[]; words: string[] } {
  const keys = type.fields.flatMap(({ name, kind }) => {
    const { isKey, normalise } = FIELD_KINDS[kind]
    const normal = isKey ? normalise(text.slice(0, LONGEST), type.country) : null
    return normal === null ? [] : [keyFor(kind, name, normal)]
  })
  return {
    keys: [...new Set(keys)],
    words: wordsOf(fold(text.slice(0, LONGEST)))
      .map(withoutDigraphs)
      .slice(0, 6),
  }
}
