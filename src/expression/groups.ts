/** Object constructors and group-by: items are sorted into keys first, then each key's value is made from its items. */
import { setOwn } from '../core/index.ts'
import { type Sequence, sequence } from './builtins.ts'
import { plain, type Run, type Scope } from './scope.ts'
import { contextOf, joinTuples, type Tuple, tupleScope } from './tuples.ts'

export type Pair = { key: Run; value: Run }
type Group = { pair: Pair; items: unknown; owned: boolean }

/** As JSONata's `$append`, but an array that was made here grows in place. */
function add(group: Group, item: unknown): void {
  if (group.owned) {
    if (Array.isArray(item)) for (const one of item) (group.items as unknown[]).push(one)
    else if (item !== undefined) (group.items as unknown[]).push(item)
  } else if (group.items === undefined) group.items = item
  else if (item !== undefined) {
    group.items = (Array.isArray(group.items) ? group.items : [group.items]).concat(item)
    group.owned = true
  }
}

export function groupBy(input: unknown, pairs: readonly Pair[], scope: Scope, position: number | undefined): object {
  const ofTuples = (input as Sequence | undefined)?.tupleStream === true
  const items: unknown[] = Array.isArray(input) ? input : sequence(input)
  const groups = new Map<string, Group>()
  for (const item of items.length === 0 && !ofTuples ? [undefined] : items) {
    for (const pair of pairs) {
      const key = plain(pair.key(ofTuples ? contextOf(item) : item, ofTuples ? tupleScope(scope, item) : scope), scope)
      if (key === undefined) continue
      checkKey(key, position)
      const group = groups.get(key)
      if (!group) groups.set(key, { pair, items: item, owned: false })
      else if (group.pair !== pair) throw { code: 'D1009', position, value: key }
      else add(group, item)
    }
  }
  const result = {}
  for (const [key, { pair, items: data }] of groups) {
    const value = ofTuples ? ofTuple(pair, joinTuples(data), scope) : pair.value(data, scope)
    if (value !== undefined) setOwn(result, key, value as never)
  }
  return result
}

const ofTuple = (pair: Pair, { '@': context, ...variables }: Tuple, scope: Scope): unknown =>
  pair.value(context, tupleScope(scope, variables))

function checkKey(key: unknown, position: number | undefined): asserts key is string {
  if (typeof key !== 'string') throw { code: 'T1003', position, value: key }
  if (key === '_jsonata_lambda' || key === '_jsonata_function') throw { code: 'D1013', position, value: key }
}

/** A constructor groups over an array; with fixed keys that means one object over all items, appended to one another. */
export function groupContext(input: unknown): unknown {
  if (!Array.isArray(input)) return input
  return input.reduce((all: unknown, item: unknown, i: number) => {
    if (i === 0 || all === undefined) return item
    return item === undefined ? all : (Array.isArray(all) ? all : [all]).concat(Array.isArray(item) ? item : [item])
  }, undefined)
}
