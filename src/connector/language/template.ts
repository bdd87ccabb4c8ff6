/** Turns a YAML value with `${ … }` inserts into a function of the scope. */
import { isRawNumber, type Json, type JsonObject, setOwn } from '../../core/index.ts'
import type { Expression, Scope } from './expression.ts'
import { parseInserts, type TemplateFault } from './inserts.ts'

type Node = { constant: boolean; evaluate(scope: Scope): unknown }
export type TemplatePath = readonly (string | number)[]

export type TemplateParser = {
  /** Compiles the JSONata of an insert that stands at `offset` of the text at `path`. */
  expression(source: string, path: TemplatePath, offset: number): Expression
  fault(fault: TemplateFault, path: TemplatePath): void
  /** What is done to each inserted value before it becomes part of a text. */
  encode?: (value: unknown, expression: Expression) => string
}

/** Compiles a value; `path` is where it stands in the manifest. */
export function compileTemplate(value: Json, path: TemplatePath, parser: TemplateParser): Node {
  if (typeof value === 'string') return textNode(value, path, parser)
  if (Array.isArray(value)) return listNode(value.map((item, index) => compileTemplate(item, [...path, index], parser)))
  if (value !== null && typeof value === 'object' && !isRawNumber(value)) return objectNode(value, path, parser)
  return constant(value)
}

const constant = (value: unknown): Node => ({ constant: true, evaluate: () => value })

function textNode(text: string, path: TemplatePath, parser: TemplateParser): Node {
  if (!text.includes('${')) return constant(text)
  const segments = parseInserts(text)
  if (!Array.isArray(segments)) {
    parser.fault(segments, path)
    return constant(undefined)
  }
  const parts = segments.map((segment) =>
    typeof segment === 'string' ? segment : parser.expression(segment.source, path, segment.offset),
  )
  const [first, ...others] = parts
  if (first === undefined || parts.every((part) => typeof part === 'string')) return constant(parts.join(''))
  const { encode } = parser
  if (typeof first !== 'string' && others.length === 0 && !encode)
    return { constant: false, evaluate: (scope) => first.evaluate(scope) }
  return { constant: false, evaluate: (scope) => joined(parts, scope, encode ?? asText) }
}

/** The whole text has no value where one of its inserts has none: `updated>${ since }` is not sent on a first read. */
function joined(
  parts: (string | Expression)[],
  scope: Scope,
  written: (value: unknown, expression: Expression) => string,
): string | undefined {
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    const value = part.evaluate(scope)
    if (value === undefined || value === null) return undefined
    text += written(value, part)
  }
  return text
}

/** A value as it stands in text: numbers in their own spelling, objects as JSON. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (isRawNumber(value)) return value.rawJSON
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function listNode(items: Node[]): Node {
  const evaluate = (scope: Scope) => items.map((item) => item.evaluate(scope)).filter((item) => item !== undefined)
  return items.every((item) => item.constant) ? constant(evaluate({})) : { constant: false, evaluate }
}

function objectNode(value: JsonObject, path: TemplatePath, parser: TemplateParser): Node {
  const fields = Object.entries(value).map(([key, item]) => ({
    key: textNode(key, path, parser),
    item: compileTemplate(item, [...path, key], parser),
  }))
  const evaluate = (scope: Scope) => {
    const made: JsonObject = {}
    for (const { key, item } of fields) {
      const name = key.evaluate(scope)
      const content = item.evaluate(scope)
      if (name !== undefined && name !== null && content !== undefined) setOwn(made, asText(name), content as Json)
    }
    return made
  }
  return fields.every(({ key, item }) => key.constant && item.constant)
    ? constant(evaluate({}))
    : { constant: false, evaluate }
}
