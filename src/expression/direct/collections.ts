/** JSONata's functions that call another one for each item, without its promises; `length` of each is as there. */

import { setOwn } from '../../core/index.ts'
import type { FunctionFocus } from '../builtins.ts'
import { arityOfValue } from '../lambda.ts'
import { isNumeric, isTrue } from '../operators.ts'
import { type CallBack, callWithItem } from './call-back.ts'

export function map(this: FunctionFocus, items?: unknown[], call?: CallBack): unknown[] | undefined {
  if (items === undefined) return undefined
  const results = this.createSequence()
  for (let i = 0; i < items.length; i++) {
    const result = callWithItem(call!, this, items[i], i, items)
    if (result !== undefined) results.push(result)
  }
  return results
}

export function filter(this: FunctionFocus, items?: unknown[], call?: CallBack): unknown[] | undefined {
  if (items === undefined) return undefined
  const results = this.createSequence()
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (isTrue(callWithItem(call!, this, item, i, items))) results.push(item)
  }
  return results
}

export function single(this: FunctionFocus, items?: unknown[], call?: CallBack): unknown {
  if (items === undefined) return undefined
  let found: { item: unknown } | undefined
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (call !== undefined && !isTrue(callWithItem(call, this, item, i, items))) continue
    if (found) throw { code: 'D3138', index: i }
    found = { item }
  }
  if (!found) throw { code: 'D3139' }
  return found.item
}

export function reduce(this: FunctionFocus, items?: unknown[], call?: CallBack, initial?: unknown): unknown {
  if (items === undefined) return undefined
  const arity = arityOfValue(call)
  if (arity < 2) throw { code: 'D3050', index: 1 }
  const fromFirst = initial === undefined && items.length > 0
  let result = fromFirst ? items[0] : initial
  for (let i = fromFirst ? 1 : 0; i < items.length; i++) {
    const args = [result, items[i], i, items].slice(0, Math.min(4, arity))
    result = call!.apply(this, args)
  }
  return result
}

export function each(this: FunctionFocus, object: Record<string, unknown>, call: CallBack): unknown[] {
  const results = this.createSequence()
  for (const [key, item] of entriesOf(object)) {
    const result = callWithItem(call, this, item, key, object)
    if (result !== undefined) results.push(result)
  }
  return results
}

export function sift(this: FunctionFocus, object: Record<string, unknown>, call: CallBack): unknown {
  const result = {}
  for (const [key, item] of entriesOf(object))
    if (isTrue(callWithItem(call, this, item, key, object))) setOwn(result, key, item as never)
  return Object.keys(result).length === 0 ? undefined : result
}

const entriesOf = (object: unknown): [string, unknown][] =>
  typeof object === 'object' && object !== null ? Object.entries(object) : []

export function sort(this: FunctionFocus, items?: unknown[], call?: CallBack): unknown[] | undefined {
  if (items === undefined || items.length <= 1) return items
  if (call !== undefined) return mergeSort(items, (a, b) => call.apply(this, [a, b]))
  // All are looked at, because infinity among them is an error of its own.
  const numbers = items.filter(isNumeric).length === items.length
  if (!numbers && !items.every((item) => typeof item === 'string')) throw { code: 'D3070', index: 1 }
  return mergeSort(items, (a, b) => (a as number) > (b as number))
}

/**
 * Stable merge sort that asks the same questions in the same order as the reference evaluator, which shows when a comparison
 * fails or contradicts another; in time n log n where that one copies the rest of both halves for every item.
 */
export function mergeSort<Item>(items: readonly Item[], swap: (a: Item, b: Item) => unknown): Item[] {
  if (items.length <= 1) return items as Item[]
  const middle = Math.floor(items.length / 2)
  const left = mergeSort(items.slice(0, middle), swap)
  const right = mergeSort(items.slice(middle), swap)
  const merged: Item[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) merged.push(swap(left[l]!, right[r]!) ? right[r++]! : left[l++]!)
  while (l < left.length) merged.push(left[l++]!)
  while (r < right.length) merged.push(right[r++]!)
  return merged
}
