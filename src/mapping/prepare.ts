import {
  type AstNode,
  type CompiledExpression,
  compileExpression,
  type HostFunction,
  integrationFunctions,
  type OnBranch,
} from '../expression/index.ts'
import { fieldsWithOptions } from './options.ts'
import type { Program } from './program.ts'
import { referenceFunctions } from './references.ts'
import { tableFunctions } from './tables.ts'
import type { ExpressionText, Template } from './template.ts'

/** Every function a mapping may call beyond JSONata's own. */
export const mappingFunctions: Readonly<Record<string, HostFunction>> = {
  ...integrationFunctions,
  ...referenceFunctions,
  ...tableFunctions({}),
}

/** Those functions over the tables of a program. */
const functionsOf = ({ tables }: Program): typeof mappingFunctions =>
  Object.keys(tables).length > 0 ? { ...mappingFunctions, ...tableFunctions(tables) } : mappingFunctions

/** An expression of the file, compiled. `slot` says where its value stands among those evaluated together. */
export type PreparedExpression = CompiledExpression & { path: ExpressionText['path']; slot: number }

export type PreparedTemplate =
  | { kind: 'expression'; expression: PreparedExpression }
  | { kind: 'object'; entries: [string, PreparedTemplate][] }
  | { kind: 'array'; items: PreparedTemplate[]; flatten: boolean[] }
  | { kind: 'constant'; value: boolean | number | null }

export type PreparedProgram = {
  program: Program
  when: PreparedExpression | null
  template: PreparedTemplate
  each: { of: PreparedExpression; key: PreparedExpression } | null
  joins: { name: string; key: PreparedExpression; required: boolean }[]
  /** Fields that only the reference evaluator can do, as one object expression; see `together`. */
  evaluated: { fields: PreparedExpression[]; all: CompiledExpression } | null
  hasReferences: boolean
  options: ReadonlySet<string> | null
}

/** Told which way a condition of the expression at `path` went. */
export type OnTaken = (path: ExpressionText['path'], ...taken: Parameters<OnBranch>) => void

/** Compiles all expressions of a program. They were checked when the file was read, so this throws for broken ones only. */
export function prepare(program: Program, onTaken?: OnTaken): PreparedProgram {
  const fields: PreparedExpression[] = []
  const used = new Set<string>()
  const functions = functionsOf(program)
  const single = (text: ExpressionText): PreparedExpression => {
    const compiled = compileExpression(text.source, {
      functions,
      ...(onTaken ? { onBranch: (...taken) => onTaken(text.path, ...taken) } : {}),
    })
    for (const { name } of compiled.analysis.functions) used.add(name)
    return { ...compiled, path: text.path, slot: -1 }
  }
  const field = (text: ExpressionText): PreparedExpression => {
    const expression = single(text)
    if (expression.isSync) return expression
    fields.push(expression)
    return Object.assign(expression, { slot: fields.length - 1 })
  }
  const template = prepareTemplate(program.template, field)
  const { when, each } = program
  return {
    program,
    template,
    when: when ? single(when) : null,
    each: each ? { of: single(each.of), key: single(each.key) } : null,
    joins: program.joins.map(({ name, key, required }) => ({ name, key: single(key), required })),
    evaluated: fields.length > 0 ? { fields, all: together(fields, functions) } : null,
    hasReferences: used.has('ref'),
    options: fieldsWithOptions(program.schema),
  }
}

function prepareTemplate(template: Template, field: (text: ExpressionText) => PreparedExpression): PreparedTemplate {
  switch (template.kind) {
    case 'expression':
      return { kind: 'expression', expression: field(template) }
    case 'constant':
      return template
    case 'object': {
      const entries = template.entries.map(([key, item]) => [key, prepareTemplate(item, field)])
      return { kind: 'object', entries: entries as [string, PreparedTemplate][] }
    }
    case 'array': {
      const items = template.items.map((item) => prepareTemplate(item, field))
      return { kind: 'array', items, flatten: items.map((item) => !isArrayConstructor(item)) }
    }
  }
}

/** As in JSONata's own array constructor: what an item gives is appended, unless the item is itself an array constructor. */
function isArrayConstructor(item: PreparedTemplate): boolean {
  if (item.kind !== 'expression') return item.kind === 'array'
  const ast: AstNode = item.expression.ast
  return ast.type === 'unary' && ast.value === '['
}

/**
 * Entering the reference evaluator costs more than most fields, so all fields that need it become one object expression.
 * Each stands in a block of its own, which keeps its variables to itself. (Measured: 14 fields one by one take 1.6 times as
 * long as together.)
 */
function together(fields: PreparedExpression[], functions: typeof mappingFunctions): CompiledExpression {
  const members = fields.map(({ source }, i) => `"${i}":(${source}\n)`)
  return compileExpression(`{${members.join(',')}}`, { functions })
}
