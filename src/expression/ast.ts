import type { FunctionDefinition } from './builtins.ts'

/** The shape of JSONata's own syntax tree, as its parser leaves it after the second pass (paths flattened into steps). */
export type AstNode = {
  type: string
  value?: unknown
  /** Offset just behind the token, as JSONata counts. */
  position?: number
  steps?: AstNode[]
  stages?: Stage[]
  predicate?: Stage[]
  group?: { lhs: [AstNode, AstNode][]; position: number }
  lhs?: AstNode | [AstNode, AstNode][]
  rhs?: AstNode
  expression?: AstNode
  expressions?: AstNode[]
  arguments?: AstNode[]
  procedure?: AstNode
  condition?: AstNode
  then?: AstNode
  else?: AstNode
  body?: AstNode
  pattern?: AstNode
  update?: AstNode
  delete?: AstNode
  terms?: { expression: AstNode; descending: boolean }[]
  keepArray?: boolean
  keepSingletonArray?: boolean
  consarray?: boolean
  tuple?: boolean
  focus?: string
  index?: string
  ancestor?: { label: string }
  /** Of `%`: the label under which the step it points to keeps its context. */
  slot?: { label: string }
  /** Of lambdas: the parsed `<…>` behind the parameters, and whether the body is a call in tail position. */
  signature?: FunctionDefinition['signature']
  thunk?: boolean
  seekingParent?: unknown
}

export type Stage = { type: string; expr?: AstNode; value?: string; position?: number }

/** All nodes directly below a node, in source order as far as the tree keeps it. */
export function childrenOf(node: AstNode): AstNode[] {
  const children: (AstNode | undefined)[] = []
  if (node.steps) children.push(...node.steps)
  if (Array.isArray(node.lhs)) for (const pair of node.lhs) children.push(...pair)
  else children.push(node.lhs)
  children.push(node.rhs, node.expression, ...(node.expressions ?? []))
  children.push(node.procedure, ...(node.arguments ?? []))
  children.push(node.condition, node.then, node.else, node.body, node.pattern, node.update, node.delete)
  for (const term of node.terms ?? []) children.push(term.expression)
  for (const stage of [...(node.stages ?? []), ...(node.predicate ?? [])]) children.push(stage.expr)
  for (const pair of node.group?.lhs ?? []) children.push(...pair)
  return children.filter((child) => child !== undefined)
}
