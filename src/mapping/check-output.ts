/** The output of a mapping against what the target takes: unknown and missing fields, values that are no option. */
import type { Finding, YamlFile, YamlPath } from '../core/index.ts'
import type { AstNode } from '../expression/index.ts'
import type { CheckedExpression } from './check-expressions.ts'
import type { Mapping } from './read.ts'
import { fieldsOf, judgeField, knownFields, requiredOf, valueFault } from './record-schema.ts'
import type { Template } from './template.ts'

export function outputFindings(mapping: Mapping, sound: CheckedExpression[], schema: unknown): Finding[] {
  if (fieldsOf(schema) === undefined) return []
  const { definition, program, yaml } = mapping
  const trees = new Map(sound.map(({ text, compiled }) => [text.path.join('\0'), compiled.ast]))
  const checker = new OutputChecker(yaml, trees, definition.mode !== 'update-only')
  checker.check(program.template, schema, program.each ? ['each', 'map'] : ['map'])
  return checker.findings
}

class OutputChecker {
  readonly findings: Finding[] = []
  readonly #yaml: YamlFile
  /** Syntax trees by the path of their text. */
  readonly #trees: ReadonlyMap<string, AstNode>
  readonly #creates: boolean

  constructor(yaml: YamlFile, trees: ReadonlyMap<string, AstNode>, creates: boolean) {
    this.#yaml = yaml
    this.#trees = trees
    this.#creates = creates
  }

  check(template: Template, schema: unknown, path: YamlPath): void {
    if (template.kind === 'object') this.#object(template.entries, schema, path)
    else if (template.kind === 'constant') this.#value(template.value, schema, path, undefined)
    else if (template.kind === 'expression') this.#expression(this.#trees.get(path.join('\0')), schema, path)
    else if (template.kind === 'array')
      for (const [i, item] of template.items.entries())
        this.check(item, (schema as { items?: unknown } | undefined)?.items, [...path, i])
  }

  #object(entries: [string, Template][], schema: unknown, path: YamlPath): void {
    const names = entries.map(([key]) => key)
    this.#missing(names, schema, this.#yaml.placeOf(path), path)
    for (const [key, item] of entries) {
      this.#field(key, schema, this.#yaml.placeOfKey(path, key))
      this.check(item, fieldsOf(schema)?.[key], [...path, key])
    }
  }

  #expression(ast: AstNode | undefined, schema: unknown, path: YamlPath): void {
    for (const result of resultsOf(ast)) {
      if (result.type === 'unary' && result.value === '{') this.#objectConstructor(result, schema, path)
      else this.#value(result.value, schema, path, result)
    }
  }

  /** An object written in JSONata with fixed keys is checked like one written in YAML. */
  #objectConstructor(node: AstNode, schema: unknown, path: YamlPath): void {
    const pairs = node.lhs as [AstNode, AstNode][]
    if (pairs.some(([key]) => key.type !== 'string')) return
    const place = this.#yaml.placeInScalar(path, (node.position ?? 1) - 1)
    this.#missing(
      pairs.map(([key]) => key.value as string),
      schema,
      place,
      path,
    )
    for (const [key, value] of pairs) {
      const name = key.value as string
      this.#field(name, schema, this.#yaml.placeInScalar(path, Math.max(0, (key.position ?? 0) - name.length - 2)))
      this.#expression(value, fieldsOf(schema)?.[name], path)
    }
  }

  #field(name: string, schema: unknown, place: Finding['place']): void {
    const { verdict, near } = judgeField(schema, name)
    const message = `the target has no field "${name}"`
    if (verdict === 'absent') this.#report(place, message, near ? `Did you mean "${near}"?` : knownFields(schema))
    // An open schema may have forgotten the field, so a misspelling is likely but not certain.
    if (verdict === 'misspelt') this.#report(place, message, `Did you mean "${near}"?`, 'warning')
  }

  #missing(names: string[], schema: unknown, place: Finding['place'], path: YamlPath): void {
    if (!this.#creates) return
    for (const name of requiredOf(schema).filter((required) => !names.includes(required))) {
      const where = path.length > 1 && path[0] === 'map' ? ` in "${path.slice(1).join('.')}"` : ''
      this.#report(place, `the target needs the field "${name}"${where}, which is not mapped`, `Add "${name}".`)
    }
  }

  /** Fixed values only; what an expression calculates is known when it runs. */
  #value(value: unknown, schema: unknown, path: YamlPath, node: AstNode | undefined): void {
    if (value === undefined || value === null) return
    const fault = valueFault(schema, value)
    if (!fault) return
    const length = node?.type === 'string' ? String(value).length + 2 : String(value).length
    const place = node
      ? this.#yaml.placeInScalar(path, Math.max(0, (node.position ?? length) - length))
      : this.#yaml.placeOf(path)
    this.#report(
      place,
      fault.message,
      fault.near ? `Did you mean "${fault.near}"?` : 'Give a value that the target takes.',
    )
  }

  #report(place: Finding['place'], message: string, fix: string, severity: Finding['severity'] = 'error'): void {
    this.findings.push({ severity, code: 'CSW-4005', message, fix, place })
  }
}

/** The literals and constructors an expression can end in: through blocks and both branches of conditions. */
export function resultsOf(node: AstNode | undefined): AstNode[] {
  if (!node || node.predicate || node.group) return []
  if (node.type === 'condition') return [...resultsOf(node.then), ...resultsOf(node.else)]
  if (node.type === 'block') return resultsOf(node.expressions?.at(-1))
  if (node.type === 'string' || node.type === 'number' || node.type === 'value') return [node]
  return node.type === 'unary' && node.value === '{' ? [node] : []
}
