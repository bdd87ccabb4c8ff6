/** `$table(name, key, otherwise?)`: whether there is such a table, and a row for all that the key can be. */
import { type Json, nearestName } from '../../core/index.ts'
import type { Argument } from './calls.ts'
import { literalOf } from './facts.ts'
import type { Inference } from './infer.ts'
import { itemOf, kindOf, type Shape, UNKNOWN } from './shape.ts'

export function inferTable(inference: Inference, args: Argument[]): Shape {
  const [nameArgument, keyArgument, otherwise] = args
  const name = literalOf(nameArgument?.node)
  if (typeof name !== 'string' || !keyArgument) return UNKNOWN
  const { tables } = inference
  if (!Object.hasOwn(tables, name)) {
    const near = nearestName(name, Object.keys(tables))
    const fix = near ? `Did you mean "${near}"?` : 'Add it under "tables".'
    inference.report(nameArgument!.node, `there is no table "${name}"`, fix, 'error')
    return UNKNOWN
  }
  const table = tables[name]!
  const key = itemOf(keyArgument.shape)
  const keys = key.options?.filter((option) => option !== null).map(String)
  const missing = keys?.filter((option) => !Object.hasOwn(table, option)) ?? []
  if (missing.length > 0 && !otherwise)
    inference.report(
      keyArgument.node,
      `the table "${name}" has no row for ${missing.map((one) => JSON.stringify(one)).join(', ')}`,
      'Add the rows, or say as third argument what holds for the others.',
      key.certain ? 'error' : 'warning',
    )
  const values = keys?.flatMap((one) => (Object.hasOwn(table, one) ? [table[one]!] : [])) ?? Object.values(table)
  return { ...valuesShape(values, otherwise?.shape, key), ...(keyArgument.shape.several ? { several: true } : {}) }
}

/** What rows and the value for all others can be, where they are plain values. */
function valuesShape(values: readonly Json[], otherwise: Shape | undefined, key: Shape): Shape {
  const plain = values.every((value) => value === null || typeof value !== 'object')
  if (!plain || (otherwise && !otherwise.options)) return UNKNOWN
  // A key that is null gives null.
  const options = [...new Set([...values, ...(otherwise?.options ?? []), ...(key.kinds?.has('null') ? [null] : [])])]
  return { kinds: new Set(options.map(kindOf)), options }
}
