/** Order-by: `items^(>price, name)`. */
import type { Sequence } from './builtins.ts'
import { mergeSort } from './direct/collections.ts'
import { plain, type Run, type Scope } from './scope.ts'
import { contextOf, tupleScope } from './tuples.ts'

export type Term = { key: Run; descending: boolean }

/** Missing keys come last. The key of an item is made once, when a comparison first needs it. */
export function orderBy(
  input: unknown[],
  terms: readonly Term[],
  scope: Scope,
  position: number | undefined,
): unknown[] {
  if (input.length <= 1) return input
  const ofTuples = (input as Sequence).tupleStream === true
  const entries = input.map((item) => ({ item, keys: [] as { key: unknown }[] }))
  const keyOf = (entry: (typeof entries)[number], term: number): unknown => {
    const { item, keys } = entry
    keys[term] ??= {
      key: plain(
        ofTuples ? terms[term]!.key(contextOf(item), tupleScope(scope, item)) : terms[term]!.key(item, scope),
        scope,
      ),
    }
    return keys[term].key
  }
  const isAfter = (a: (typeof entries)[number], b: (typeof entries)[number]): boolean => {
    for (let i = 0; i < terms.length; i++) {
      const order = compare(keyOf(a, i), keyOf(b, i), terms[i]!.descending, position)
      if (order !== 0) return order > 0
    }
    return false
  }
  return mergeSort(entries, isAfter).map(({ item }) => item)
}

function compare(a: unknown, b: unknown, descending: boolean, position: number | undefined): number {
  if (a === undefined) return b === undefined ? 0 : 1
  if (b === undefined) return -1
  if (!isSortable(a) || !isSortable(b)) throw { code: 'T2008', position, value: isSortable(a) ? b : a }
  if (typeof a !== typeof b) throw { code: 'T2007', position, value: a, value2: b }
  if (a === b) return 0
  return a < b !== descending ? -1 : 1
}

const isSortable = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'
