/** `| pattern | update, delete |`: a function that changes a copy of what it is given. */
import { setOwn } from '../core/index.ts'
import { defineFunctions, type FunctionDefinition } from './builtins.ts'
import { apply } from './lambda.ts'
import { isFunction } from './marks.ts'
import { plain, type Run } from './scope.ts'

type Clause = { run: Run; position: number | undefined }
type Clauses = {
  /** JSONata's own $clone. */
  clone: FunctionDefinition
  pattern: Run
  update: Clause
  remove: Clause | undefined
}

const { signature } = defineFunctions({ transform: { signature: '<(oa):o>', implementation: () => undefined } }).get(
  'transform',
)!

export function transformer({ clone, pattern, update, remove }: Clauses): Run {
  return (_input, scope): FunctionDefinition => ({
    _jsonata_function: true,
    signature: signature!,
    implementation(object) {
      if (object === undefined) return undefined
      const copy = apply(clone, [object], null, scope)
      const matches = pattern(copy, scope)
      if (matches === undefined) return copy
      for (const match of Array.isArray(matches) ? matches : [matches]) {
        change(match, plain(update.run(match, scope), scope), update.position)
        if (remove) drop(match, plain(remove.run(match, scope), scope), remove.position)
      }
      return copy
    },
  })
}

function change(match: unknown, update: unknown, position: number | undefined): void {
  if (update === undefined) return
  if (typeof update !== 'object' || update === null || Array.isArray(update))
    throw { code: 'T2011', position, value: update }
  const entries = Object.entries(update)
  // Numbers and text cannot be given properties, in the reference evaluator either; functions belong to all expressions.
  if (entries.length > 0 && (typeof match !== 'object' || match === null || isFunction(match)))
    throw new TypeError('not an object')
  for (const [key, value] of entries) setOwn(match as never, key, value as never)
}

function drop(match: unknown, names: unknown, position: number | undefined): void {
  if (names === undefined) return
  const all: unknown[] = Array.isArray(names) ? names : [names]
  if (!all.every((name) => typeof name === 'string')) throw { code: 'T2012', position, value: names }
  if (typeof match !== 'object' || match === null || isFunction(match)) return
  for (const name of all) delete (match as Record<string, unknown>)[name as string]
}
