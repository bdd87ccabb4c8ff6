/** The output of a mapping against what the target takes: unknown and missing fields, and values that it would refuse. */
import { fitsDouble, type YamlFile, type YamlPath } from '../../core/index.ts'
import type { AstNode } from '../../expression/index.ts'
import { tokenStart } from '../../expression/index.ts'
import type { Template } from '../template.ts'
import { fitShape } from './fit.ts'
import type { Context, Inference, Result } from './infer.ts'
import { fieldsOf, judgeField, knownFields, requiredOf, valueFault } from './record-schema.ts'
import { UNKNOWN } from './shape.ts'

export type Report = (
  place: ReturnType<YamlFile['placeOf']>,
  message: string,
  fix: string,
  severity?: 'error' | 'warning',
) => void

/** An expression of the template, ready to be followed. */
export type Followed = { ast: AstNode; inference: Inference; context: Context }

export class OutputChecker {
  readonly #yaml: YamlFile
  readonly #followed: (path: YamlPath) => Followed | undefined
  readonly #creates: boolean
  readonly #report: Report

  /** `creates` says whether the sync makes new records, which need all that the target requires. */
  constructor(yaml: YamlFile, followed: (path: YamlPath) => Followed | undefined, creates: boolean, report: Report) {
    this.#yaml = yaml
    this.#followed = followed
    this.#creates = creates
    this.#report = report
  }

  check(template: Template, schema: unknown, path: YamlPath, parent?: unknown): void {
    if (template.kind === 'object') this.#object(template.entries, schema, path)
    else if (template.kind === 'constant') this.#constant(template.value, schema, path)
    else if (template.kind === 'expression') this.#expression(schema, path, parent)
    else if (template.kind === 'array') {
      this.#value(template.items.length ? [] : undefined, schema, this.#yaml.placeOf(path))
      for (const [i, item] of template.items.entries())
        this.check(item, (schema as { items?: unknown } | undefined)?.items, [...path, i])
    }
  }

  #object(entries: [string, Template][], schema: unknown, path: YamlPath): void {
    const names = entries.map(([key]) => key)
    this.#missing(names, schema, this.#yaml.placeOf(path), path)
    for (const [key, item] of entries) {
      this.#field(key, schema, this.#yaml.placeOfKey(path, key))
      this.check(item, fieldsOf(schema)?.[key], [...path, key], schema)
    }
  }

  #constant(value: boolean | number | null, schema: unknown, path: YamlPath): void {
    const place = this.#yaml.placeOf(path)
    const spelling = typeof value === 'number' ? this.#yaml.sourceAt(path) : undefined
    if (spelling !== undefined && /^-?\d+(\.\d+)?$/.test(spelling) && !fitsDouble(spelling))
      this.#report(
        place,
        `${spelling} has more digits than a number keeps and would be sent as ${value}`,
        `Write it as text: "'${spelling}'".`,
      )
    this.#value(value, schema, place)
  }

  #expression(schema: unknown, path: YamlPath, parent: unknown): void {
    const followed = this.#followed(path)
    if (!followed) return
    const { ast, inference, context } = followed
    const inList = typeof path.at(-1) === 'number'
    for (const result of inference.results(ast, context))
      this.#result(inList ? asItem(result) : result, schema, { path, parent, inference })
  }

  #result(result: Result, schema: unknown, at: { path: YamlPath; parent: unknown; inference: Inference }): void {
    const { node, shape } = result
    const { path, parent, inference } = at
    if (node.type === 'unary' && node.value === '{') this.#objectConstructor(result, schema, at)
    else if (node.type === 'unary' && node.value === '[') this.#list(result, schema, at)
    else if (
      shape.certain &&
      shape.options?.length === 1 &&
      ['string', 'number', 'value', 'binary'].includes(node.type)
    ) {
      const [value] = shape.options
      this.#value(value, schema, this.#yaml.placeInScalar(path, result.offset))
    } else
      for (const { message, fix, severity } of fitShape(shape, schema, parent, path.at(-1), this.#creates))
        this.#report(this.#yaml.placeInScalar(path, result.offset), message, fix, severity)
    if (node.type === 'number') this.#digits(node, inference.source, this.#yaml.placeInScalar(path, result.offset))
  }

  #digits(node: AstNode, source: string, place: ReturnType<YamlFile['placeOf']>): void {
    const spelling = source.slice(tokenStart(node, source), node.position)
    if (/^-?\d+(\.\d+)?$/.test(spelling) && !fitsDouble(spelling))
      this.#report(place, `${spelling} has more digits than a number keeps`, `Write it as text: "${spelling}".`)
  }

  #list({ node, context }: Result, schema: unknown, at: { path: YamlPath; inference: Inference }): void {
    const items = (schema as { items?: unknown } | undefined)?.items
    for (const item of node.expressions ?? [])
      for (const result of at.inference.results(item, context))
        this.#result(asItem(result), items, { ...at, parent: undefined })
    this.#value([], schema, this.#yaml.placeInScalar(at.path, (node.position ?? 1) - 1))
  }

  /** An object written in JSONata with fixed keys is checked like one written in YAML. */
  #objectConstructor({ node, context }: Result, schema: unknown, at: { path: YamlPath; inference: Inference }): void {
    const pairs = node.lhs as [AstNode, AstNode][]
    if (pairs.some(([key]) => key.type !== 'string')) return
    const { path, inference } = at
    const place = this.#yaml.placeInScalar(path, (node.position ?? 1) - 1)
    const names = pairs.map(([key]) => key.value as string)
    this.#missing(names, schema, place, path)
    for (const [key, value] of pairs) {
      const name = key.value as string
      this.#field(name, schema, this.#yaml.placeInScalar(path, tokenStart(key, inference.source)))
      for (const result of inference.results(value, context))
        this.#result(result, fieldsOf(schema)?.[name], { inference, path, parent: schema })
    }
  }

  #field(name: string, schema: unknown, place: ReturnType<YamlFile['placeOf']>): void {
    const { verdict, near } = judgeField(schema, name)
    const message = `the target has no field "${name}"`
    if (verdict === 'absent') this.#report(place, message, near ? `Did you mean "${near}"?` : knownFields(schema))
    // An open schema may have forgotten the field, so a misspelling is likely but not certain.
    if (verdict === 'misspelt') this.#report(place, message, `Did you mean "${near}"?`, 'warning')
  }

  #missing(names: string[], schema: unknown, place: ReturnType<YamlFile['placeOf']>, path: YamlPath): void {
    if (!this.#creates) return
    for (const name of requiredOf(schema).filter((required) => !names.includes(required))) {
      const where = path.length > 1 && path[0] === 'map' ? ` in "${path.slice(1).join('.')}"` : ''
      this.#report(place, `the target needs the field "${name}"${where}, which is not mapped`, `Add "${name}".`)
    }
  }

  #value(value: unknown, schema: unknown, place: ReturnType<YamlFile['placeOf']>): void {
    if (value === undefined || value === null) return
    const fault = valueFault(schema, value)
    if (!fault) return
    this.#report(
      place,
      fault.message,
      fault.near ? `Did you mean "${fault.near}"?` : 'Give a value that the target takes.',
    )
  }
}

/** What an item of a list gives is appended: several values and lists are as good as one value. */
function asItem(result: Result): Result {
  const { several, ...one } = result.shape
  return { ...result, shape: one.kinds?.has('array') ? UNKNOWN : one }
}

/** The literals and constructors an expression can end in: through blocks and both branches of conditions. */
export function resultsOf(node: AstNode | undefined): AstNode[] {
  if (!node || node.predicate || node.group) return []
  if (node.type === 'condition') return [...resultsOf(node.then), ...resultsOf(node.else)]
  if (node.type === 'block') return resultsOf(node.expressions?.at(-1))
  if (node.type === 'string' || node.type === 'number' || node.type === 'value') return [node]
  return node.type === 'unary' && node.value === '{' ? [node] : []
}
