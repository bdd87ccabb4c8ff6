/** What the compiler reads off a syntax tree before it makes closures. */
import { type AstNode, childrenOf } from './ast.ts'

/** Raised where only the reference evaluator can go on. */
export class NotCompilable extends Error {}

/** Names that the expression binds anywhere; they may hide functions. */
export function boundNames(node: AstNode, names = new Set<string>()): Set<string> {
  if (node.type === 'bind') names.add((node.lhs as AstNode).value as string)
  if (node.type === 'lambda') for (const parameter of node.arguments!) names.add(parameter.value as string)
  for (const name of [node.focus, node.index]) if (name !== undefined) names.add(name)
  for (const stage of node.stages ?? []) if (stage.type === 'index') names.add(stage.value!)
  for (const child of childrenOf(node)) boundNames(child, names)
  return names
}

/** Keys by which JSONata knows functions; nothing may be made to look like one. */
export const RESERVED = new Set(['_jsonata_lambda', '_jsonata_function'])

/** Nodes whose closure never answers an unwrapped sequence. */
const UNWRAPPED = new Set(['string', 'number', 'value', 'binary', 'unary', 'lambda', 'regex', 'transform'])
export const isUnwrapped = (node: AstNode): boolean => UNWRAPPED.has(node.type) && node.value !== '..'

/** The keys of a path that is nothing but names, by far the most frequent expression in a mapping. */
export function plainNames(node: AstNode): string[] | null {
  if (node.type !== 'path' || node.keepSingletonArray || node.keepArray || node.predicate || node.group) return null
  return node.steps!.every(isPlainName) ? node.steps!.map(keyOf) : null
}

export const isPlainName = (step: AstNode): boolean =>
  step.type === 'name' &&
  step.value !== 'rawJSON' &&
  !(
    step.stages ||
    step.predicate ||
    step.keepArray ||
    step.tuple ||
    step.focus ||
    step.index ||
    step.ancestor ||
    step.group
  )

/** `rawJSON` is how exact numbers look from inside; a field of that name must not look into them. */
export function keyOf(node: AstNode): string {
  if (node.value === 'rawJSON') throw new NotCompilable()
  return node.value as string
}
