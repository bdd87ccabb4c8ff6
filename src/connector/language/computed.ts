/** Expressions and templates made by the code of a protocol instead of a manifest, in the same words. */
import type { Place } from '../../core/index.ts'
import type { Expression, Scope, Template } from './expression.ts'

/** Code may look into all that it is given. */
const RECORDS: ReadonlySet<string> = new Set(['values', 'items', 'record', 'known'])

/** `place` is where the manifest gives rise to it. */
export const computed = (place: Place, evaluate: (scope: Scope) => unknown): Expression => ({
  source: '(computed)',
  place,
  evaluate,
  looksInto: RECORDS,
})

export const computedTemplate = (place: Place, evaluate: (scope: Scope) => unknown): Template => ({
  ...computed(place, evaluate),
  constant: false,
  names: new Set(),
})
