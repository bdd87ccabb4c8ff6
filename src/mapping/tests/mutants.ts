/**
 * Small changes to a mapping that its tests should notice: a field left out, a literal, an operator or a function changed.
 * Made on the tokens that the syntax tree names, so that what is changed is exactly what is said to be.
 */
import { type AstNode, childrenOf, compileExpression } from '../../expression/index.ts'
import { mappingFunctions } from '../prepare.ts'
import type { Mapping } from '../read.ts'
import type { ExpressionText, Template } from '../template.ts'

type Program = Mapping['program']
export type Mutant = { program: Program; what: string; path: ExpressionText['path']; offset: number }

const OPERATORS: Record<string, string> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '>': '<=',
  '<=': '>',
  '>=': '<',
  and: 'or',
  or: 'and',
  '+': '-',
  '-': '+',
  '*': '/',
}
const FUNCTIONS: Record<string, string> = {
  lowercase: 'uppercase',
  uppercase: 'lowercase',
  trim: 'string',
  not: 'boolean',
  exists: 'not',
  min: 'max',
  max: 'min',
  sum: 'max',
  count: 'not',
  floor: 'ceil',
  ceil: 'floor',
  decimalAdd: 'decimalSubtract',
  decimalSubtract: 'decimalAdd',
}

/** All mutants of a mapping, in the order of the file. */
export function mutantsOf({ program }: Mapping): Mutant[] {
  const mutants: Mutant[] = []
  const vary = (text: ExpressionText, put: (text: ExpressionText) => Program): void => {
    for (const { source, what, offset } of variants(text.source))
      mutants.push({ program: put({ ...text, source }), what, path: text.path, offset })
  }
  if (program.when) vary(program.when, (when) => ({ ...program, when }))
  const { each } = program
  if (each) vary(each.of, (of) => ({ ...program, each: { ...each, of } }))
  templateMutants(program.template, (template) => ({ ...program, template }), vary, mutants)
  return mutants
}

function templateMutants(
  template: Template,
  put: (template: Template) => Program,
  vary: (text: ExpressionText, put: (text: ExpressionText) => Program) => void,
  mutants: Mutant[],
): void {
  if (template.kind === 'expression') vary(template, (text) => put({ kind: 'expression', ...text }))
  if (template.kind === 'array')
    for (const [i, item] of template.items.entries())
      templateMutants(item, (changed) => put({ ...template, items: template.items.with(i, changed) }), vary, mutants)
  if (template.kind !== 'object') return
  for (const [i, [key, item]] of template.entries.entries()) {
    const entries = template.entries
    const path = pathOf(item)
    if (path)
      mutants.push({
        program: put({ ...template, entries: entries.toSpliced(i, 1) }),
        what: `"${key}" left out`,
        path,
        offset: 0,
      })
    templateMutants(item, (changed) => put({ ...template, entries: entries.with(i, [key, changed]) }), vary, mutants)
  }
}

/** Where the first expression below stands; a field of constants alone has no place of its own. */
function pathOf(template: Template): ExpressionText['path'] | undefined {
  if (template.kind === 'expression') return template.path
  if (template.kind === 'constant') return undefined
  const below = template.kind === 'object' ? template.entries.map(([, item]) => item) : template.items
  return below.map(pathOf).find((path) => path !== undefined)
}

type Variant = { source: string; what: string; offset: number }

function variants(source: string): Variant[] {
  const { ast } = compileExpression(source, { functions: mappingFunctions })
  const found = new Map<string, Variant>()
  const visit = (node: AstNode): void => {
    const change = changeOf(node, source)
    if (change) {
      const changed = source.slice(0, change.from) + change.to + source.slice(change.end)
      if (compiles(changed)) {
        const what = `${source.slice(change.from, change.end)} became ${change.to}`
        found.set(changed, { source: changed, what, offset: change.from })
      }
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(ast)
  return [...found.values()].sort((a, b) => a.offset - b.offset)
}

function compiles(source: string): boolean {
  try {
    compileExpression(source, { functions: mappingFunctions })
    return true
  } catch {
    return false
  }
}

type Change = { from: number; end: number; to: string }

/** The change of one token, or nothing where the tree does not say for certain where the token stands. */
function changeOf(node: AstNode, source: string): Change | undefined {
  const end = Math.min(node.position ?? 0, source.length)
  if (node.type === 'string' && typeof node.value === 'string') return ofText(node.value, source, end)
  if (node.type === 'number') return replaced(source, end, String(node.value), String(Number(node.value) + 1))
  if (node.type === 'value' && typeof node.value === 'boolean')
    return replaced(source, end, String(node.value), String(!node.value))
  if (node.type === 'binary' && typeof node.value === 'string' && Object.hasOwn(OPERATORS, node.value))
    return replaced(source, end, node.value, OPERATORS[node.value]!)
  const called = node.type === 'function' ? node.procedure : undefined
  const name = called?.type === 'variable' ? String(called.value) : ''
  if (Object.hasOwn(FUNCTIONS, name)) return replaced(source, called!.position ?? 0, `$${name}`, `$${FUNCTIONS[name]!}`)
  return undefined
}

function replaced(source: string, end: number, token: string, to: string): Change | undefined {
  const from = end - token.length
  return source.slice(from, end) === token ? { from, end, to } : undefined
}

/** Keys of object constructors are texts too; changing one renames a field. */
function ofText(value: string, source: string, end: number): Change | undefined {
  const from = end - value.length - 2
  const quote = source[from]
  if (!quote || !/["']/.test(quote) || source.slice(from, end) !== `${quote}${value}${quote}`) return undefined
  return { from, end, to: `${quote}${value}~${quote}` }
}
