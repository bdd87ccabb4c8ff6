/** Which parts of its records a mapping reads: what a stream that is kept as `used` keeps. */
import { type JsonPaths, widestPaths } from '../core/index.ts'
import { type CompiledExpression, EVERY_VARIABLE, readsOf } from '../expression/index.ts'
import type { SyncReads } from './contract.ts'

/** What the expressions of a mapping read together. */
export function readsOfAll(expressions: readonly { compiled: CompiledExpression }[], joins: string[]): SyncReads {
  const all = expressions.map(({ compiled }) => readsOf(compiled.ast))
  const under = (name: string): JsonPaths => widestPaths(all.flatMap((reads) => reads.get(name) ?? []))
  const everything = all.some((reads) => reads.has(EVERY_VARIABLE))
  return {
    source: under(''),
    joins: Object.fromEntries(joins.map((name) => [name, everything ? [[]] : under(name)])),
  }
}
