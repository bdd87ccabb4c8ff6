/** Paths: their steps, predicates, groupings, sortings, and the bindings that make tuples of items. */
import type { AstNode, Stage } from './ast.ts'
import { type Sequence, sequence } from './builtins.ts'
import type { Compiler } from './closures.ts'
import { groupBy, type Pair } from './groups.ts'
import { countKept } from './logical.ts'
import { orderBy } from './ordering.ts'
import { addFlat, isPlainList, lookup } from './paths.ts'
import { plain, type Run, type Scope } from './scope.ts'
import { isPlainName, keyOf, NotCompilable } from './tree-facts.ts'
import { contextOf, numbered, numberTuples, stepTuples, tupleScope, tupleStream } from './tuples.ts'

export function compilePath(compiler: Compiler, node: AstNode): Run {
  const group = compileGroup(compiler, node)
  const walk = node.steps!.some((step) => step.tuple) ? tuplePath(compiler, node) : plainPath(compiler, node)
  return (input, scope) => {
    let items = walk(input, scope)
    if (node.keepSingletonArray) {
      if (Array.isArray(items) && items.cons && !items.sequence) items = sequence(items)
      items.keepSingleton = true
    }
    return group ? group(items, scope) : items
  }
}

/** What the first step goes over: the items of a list, unless that is the value of a variable. */
const startOf = ({ steps }: AstNode): ((input: unknown) => Sequence) =>
  steps![0]!.type === 'variable'
    ? (input) => sequence(input)
    : (input) => (Array.isArray(input) ? (input as Sequence) : sequence(input))

function plainPath(compiler: Compiler, node: AstNode): (input: unknown, scope: Scope) => Sequence {
  const steps = node.steps!
  const start = startOf(node)
  const compiled = steps.map((step, i) => compileStep(compiler, step, i === steps.length - 1))
  const wholeFirst = steps[0]!.consarray ? compiler.compile(steps[0]!) : undefined
  // A sorting gives a short list back as it came, so it wants one of ours.
  const goesOver = steps.length > 1 && steps[1]!.type !== 'sort'
  const listName = goesOver && isPlainName(steps[0]!) ? keyOf(steps[0]!) : undefined
  return (input, scope) => {
    // `lines.(…)` over one object, the usual beginning: the next step goes over the list as it stands there.
    const list = listName === undefined || Array.isArray(input) ? undefined : (lookup(input, listName) as Sequence)
    const fromList = Array.isArray(list) && list.length > 0 && !list.sequence && !list.cons
    let items = fromList ? list : start(input)
    for (let i = fromList ? 1 : 0; i < compiled.length; i++) {
      items = i === 0 && wholeFirst ? (wholeFirst(items, scope) as Sequence) : compiled[i]!(items, scope)
      if (items === undefined || items.length === 0) break
    }
    return items
  }
}

function compileStep(compiler: Compiler, step: AstNode, last: boolean): (items: Sequence, scope: Scope) => Sequence {
  const filters = (step.stages ?? []).map((stage) => compileFilter(compiler, stage))
  if (step.type === 'sort') {
    const sort = compileOrder(compiler, step)
    return (items, scope) => filters.reduce((sorted, filter) => filter(sorted, scope), sort(items, scope)) as Sequence
  }
  const run = compiler.compile(step)
  return (items, scope) => {
    const flat = sequence()
    let only: unknown
    let count = 0
    for (const item of items) {
      let result = run(item, scope)
      for (const filter of filters) result = filter(result, scope)
      if (result === undefined) continue
      only = result
      count++
      addFlat(flat, result)
    }
    return last && count === 1 && isPlainList(only) ? only : flat
  }
}

/** A path with bindings: from the first step that has one, tuples are carried instead of items. */
function tuplePath(compiler: Compiler, node: AstNode): (input: unknown, scope: Scope) => Sequence {
  const steps = node.steps!
  const start = startOf(node)
  const first = steps.findIndex((step) => step.tuple)
  const before = steps.slice(0, first).map((step) => compileStep(compiler, step, false))
  if (steps[0]!.consarray) throw new NotCompilable()
  const rest = steps.slice(first).map((step) => tupleStep(compiler, step))
  return (input, scope) => {
    let items = start(input)
    for (const step of before) {
      items = step(items, scope)
      if (items === undefined || items.length === 0) break
    }
    let tuples: Sequence | undefined
    // Nothing to start from is an empty result before the first tuple step, as there.
    if (first > 0 && !(items?.length > 0)) return items
    for (const step of rest) tuples = step(items, tuples, scope)
    // Grouping needs the variables of each item too.
    if (node.tuple || node.group) return tuples!
    const results = sequence()
    for (const tuple of tuples!) results.push(contextOf(tuple))
    return results
  }
}

function tupleStep(
  compiler: Compiler,
  step: AstNode,
): (items: Sequence, tuples: Sequence | undefined, scope: Scope) => Sequence {
  const stages = (step.stages ?? []).map((stage) =>
    stage.type === 'index' ? numberTuples(stage) : compileFilter(compiler, stage),
  )
  const staged = (tuples: unknown, scope: Scope) =>
    stages.reduce((result, stage) => stage(result, scope), tuples) as Sequence
  if (step.type === 'sort') {
    const sort = compileOrder(compiler, step)
    return (items, tuples, scope) =>
      staged(tuples ? sort(tuples, scope) : numbered(sort(items, scope) as unknown[], step.index), scope)
  }
  const run = compiler.compile(step)
  const binding = { focus: step.focus, index: step.index, ancestor: step.ancestor?.label }
  return (items, tuples, scope) => staged(stepTuples(run, items, tuples, binding, scope), scope)
}

function compileOrder(compiler: Compiler, step: AstNode): Run {
  const terms = step.terms!.map(({ expression, descending }) => ({ key: compiler.compile(expression), descending }))
  return (items, scope) => orderBy(items as unknown[], terms, scope, step.position)
}

export function compileGroup(compiler: Compiler, node: AstNode): Run | undefined {
  if (!node.group) return undefined
  const pairs = compilePairs(compiler, node.group.lhs)
  return (items, scope) => groupBy(items, pairs, scope, node.group!.position)
}

export function compilePairs(compiler: Compiler, pairs: [AstNode, AstNode][]): Pair[] {
  return pairs.map(([key, value]) => ({ key: compiler.compile(key), value: compiler.member(value) }))
}

export function compileFilter(compiler: Compiler, stage: Stage): Run {
  if (stage.type !== 'filter' || !stage.expr) throw new NotCompilable()
  if (stage.expr.type === 'number') {
    const wanted = Math.floor(stage.expr.value as number)
    return (input) => {
      const items: unknown[] = Array.isArray(input) ? input : [input]
      const item = items[wanted < 0 ? items.length + wanted : wanted]
      if (Array.isArray(item)) return item
      const kept = (input as Sequence | undefined | null)?.tupleStream ? tupleStream() : sequence()
      if (item !== undefined) kept.push(item)
      return kept
    }
  }
  const predicate = compiler.compile(stage.expr)
  return (input, scope) => {
    const items: unknown[] = Array.isArray(input) ? input : [input]
    const ofTuples = (input as Sequence | undefined | null)?.tupleStream === true
    const kept = ofTuples ? tupleStream() : sequence()
    for (const [index, item] of items.entries()) {
      const verdict = plain(
        ofTuples ? predicate(contextOf(item), tupleScope(scope, item)) : predicate(item, scope),
        scope,
      )
      for (let n = countKept(verdict, index, items.length); n > 0; n--) kept.push(item)
    }
    return kept
  }
}
