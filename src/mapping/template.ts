import type { YamlPath } from '../core/index.ts'

/** An expression with the path of its text in the mapping file, so that errors find their place. */
export type ExpressionText = { source: string; path: YamlPath }

/** The `map` of a file: YAML objects and lists with expressions in place of values. */
export type Template =
  | ({ kind: 'expression' } & ExpressionText)
  | { kind: 'object'; entries: [string, Template][] }
  | { kind: 'array'; items: Template[] }
  | { kind: 'constant'; value: boolean | number | null }

/** Every text is an expression; numbers, booleans and null stand for themselves. */
export function toTemplate(value: unknown, path: YamlPath): Template {
  if (typeof value === 'string') return { kind: 'expression', source: value, path }
  if (Array.isArray(value)) return { kind: 'array', items: value.map((item, i) => toTemplate(item, [...path, i])) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, toTemplate(item, [...path, key])] as [string, Template],
    )
    return { kind: 'object', entries }
  }
  return { kind: 'constant', value: value as boolean | number | null }
}

export type Leaf = Extract<Template, { kind: 'expression' }>

/** All expressions of a template with the output path they fill, in the order of the file. */
export function leavesOf(template: Template, at: (string | number)[] = []): { leaf: Leaf; at: (string | number)[] }[] {
  if (template.kind === 'expression') return [{ leaf: template, at }]
  if (template.kind === 'object') return template.entries.flatMap(([key, item]) => leavesOf(item, [...at, key]))
  if (template.kind === 'array') return template.items.flatMap((item, i) => leavesOf(item, [...at, i]))
  return []
}
