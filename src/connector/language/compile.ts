/** Walks a manifest along its fields: fills in defaults, compiles expressions and templates, collects findings with places. */
import { type Finding, isObject, type Json, type JsonObject, type Place, type YamlFile } from '../../core/index.ts'
import { compileSource, type NameCheck } from './compile-expression.ts'
import type { Expression, Template } from './expression.ts'
import type { Field, Fields, Part } from './fields.ts'
import { encodeSegment } from './path-segment.ts'
import { compileTemplate } from './template.ts'

export type Path = readonly (string | number)[]

/** One manifest on its way from YAML to compiled parts. */
export type Compilation = {
  yaml: YamlFile
  findings: Finding[]
  /** Names of the settings the manifest declares; `settings.typo` is found by it. */
  settings: ReadonlySet<string>
  /** True when the schema refused the file: rules between fields then have nothing to rely on. */
  malformed?: boolean
  /** Reads a JSON file beside the manifest. Answers a finding's message where it cannot. */
  readJson(path: string): { value: Json } | { fault: string; fix: string }
}

/** Compiles a YAML mapping by the fields of a part. What the schema refuses is passed over: it has been reported. */
export function compilePart(part: Part, value: Json | undefined, path: Path, to: Compilation): JsonLike {
  const before = errorCount(to)
  const compiled = compileFields(part.fields, isObject(value) ? value : {}, path, to)
  if (part.check && !to.malformed && errorCount(to) === before && isObject(value)) {
    for (const { field, message, fix } of part.check(compiled as never))
      report(to, field === undefined ? path : [...path, ...field.split('.')], message, fix)
  }
  return compiled
}

type JsonLike = Record<string, unknown>

export function compileFields(fields: Fields, value: JsonObject, path: Path, to: Compilation): JsonLike {
  const compiled: JsonLike = {}
  for (const [name, field] of Object.entries(fields)) {
    const given = Object.hasOwn(value, name) ? value[name] : field.default
    if (given !== undefined) compiled[name] = compileField(field, given, [...path, name], to)
  }
  return compiled
}

function compileField(field: Field, value: Json, path: Path, to: Compilation): unknown {
  switch (field.kind) {
    case 'expression':
      return typeof value === 'string' ? compileExpressionField(field, value, path, to) : undefined
    case 'template':
    case 'data':
      return compileTemplateField(field, value, path, to)
    case 'list':
      return Array.isArray(value)
        ? value.map((item, i) => compileField(field.item!, item, [...path, i], to))
        : undefined
    case 'map':
      if (!isObject(value)) return undefined
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, compileField(field.item!, item, [...path, key], to)]),
      )
    case 'part':
      return isObject(value) ? compilePart(field.part!, value, path, to) : undefined
    case 'variant':
      return isObject(value) ? compileVariant(field, value, path, to) : undefined
    case 'file':
      return typeof value === 'string' ? readFile(value, path, to) : value
    default:
      return value
  }
}

function compileVariant(field: Field, value: JsonObject, path: Path, to: Compilation): unknown {
  const kind = value[field.tag!]
  const part = typeof kind === 'string' && Object.hasOwn(field.variants!, kind) ? field.variants![kind] : undefined
  return part && { [field.tag!]: kind, ...compilePart(part, value, path, to) }
}

const nameCheck = (field: Field, to: Compilation): NameCheck => ({ names: field.names ?? [], settings: to.settings })

function compileExpressionField(field: Field, source: string, path: Path, to: Compilation): Expression {
  const placeOf = (offset: number): Place => to.yaml.placeInScalar(path, offset)
  return compileSource(source, { placeOf, check: nameCheck(field, to), findings: to.findings })
}

function compileTemplateField(field: Field, value: Json, path: Path, to: Compilation): Template {
  const names = new Set<string>()
  const looksInto = new Set<string>()
  const node = compileTemplate(value, path, {
    ...(field.encode === 'path' ? { encode: encodeSegment } : {}),
    expression: (source, at, start) => {
      const expression = compileSource(source, {
        placeOf: (offset) => to.yaml.placeInScalar(at, start + offset),
        check: nameCheck(field, to),
        findings: to.findings,
        names,
      })
      for (const name of expression.looksInto) looksInto.add(name)
      return expression
    },
    fault: ({ message, offset }, at) =>
      to.findings.push({
        severity: 'error',
        code: 'CSW-4001',
        message,
        fix: `Write \`\${ expression }\`; a literal "\${" is written "$\${".`,
        place: to.yaml.placeInScalar(at, offset),
      }),
  })
  const source = typeof value === 'string' ? value : JSON.stringify(value)
  return { source, place: to.yaml.placeOf(path), names, looksInto, ...node }
}

function readFile(name: string, path: Path, to: Compilation): Json | undefined {
  const read = to.readJson(name)
  if ('value' in read) return read.value
  to.findings.push({
    severity: 'error',
    code: 'CSW-1003',
    message: read.fault,
    fix: read.fix,
    place: to.yaml.placeOf(path),
  })
  return undefined
}

/** A finding of a rule between fields. */
export function report(to: Compilation, path: Path, message: string, fix: string): void {
  const where = path.length ? `${path.join('.')}: ` : ''
  to.findings.push({ severity: 'error', code: 'CSW-2004', message: where + message, fix, place: to.yaml.placeOf(path) })
}

const errorCount = (to: Compilation): number => to.findings.length
