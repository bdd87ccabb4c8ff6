import type { Document, Node, Pair, Scalar } from 'yaml'
import type { Place } from './errors/causeway-error.ts'
import { CausewayError } from './errors/causeway-error.ts'
import type { ErrorCode } from './errors/registry.ts'
import type { Finding } from './findings.ts'
import { lazily } from './lazily.ts'
import type { Validator, Violation } from './validation.ts'
import { alignScalar } from './yaml-scalar.ts'

const yaml = lazily<typeof import('yaml')>('yaml')

/** Larger files and more aliases than this are refused: a manifest is written by hand (billion-laughs, fault row M1). */
const MAX_BYTES = 1_000_000
const MAX_ALIASES = 100
const MAX_DEPTH = 64
/** Files beyond this many characters are looked through before they are parsed, which costs far more. */
const LARGE = 50_000
/** Words, marks and spaces of a large file: some twenty thousand values. */
const MAX_TOKENS = 150_000

export type YamlPath = readonly (string | number)[]

/** A YAML file with the place of everything in it. */
export type YamlFile = {
  file: string
  text: string
  /** The parsed value: plain JSON types only. */
  value: unknown
  /** Where a value stands; for a path that does not exist, its nearest existing ancestor. */
  placeOf(path: YamlPath): Place
  /** Where a key stands. */
  placeOfKey(path: YamlPath, key: string): Place
  /** Where character `offset` of the *decoded* string at `path` stands in the file, whatever its quoting or block style. */
  placeInScalar(path: YamlPath, offset: number): Place
  /** How a scalar is written in the file: the digits of a number that parsing may round. */
  sourceAt(path: YamlPath): string | undefined
}

/** Parses YAML 1.2. Throws CSW-1004 with the place of the first fault. */
export function parseYaml(text: string, file: string): YamlFile {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw refuse(file, `${file} is larger than ${MAX_BYTES / 1_000_000} MB`, 1, 1)
  if (text.length > LARGE) lookThrough(text, file)
  const lines = new (yaml().LineCounter)()
  const document = yaml().parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
  })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const fault = document.errors[0]
  if (fault) {
    const at = place(fault.pos[0])
    throw refuse(file, `not well-formed YAML: ${fault.message}`, at.line, at.column, hintFor(text, at.line ?? 1))
  }
  checkNodes(document.contents, place, 0)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown
  } catch (cause) {
    throw refuse(file, `not usable YAML: ${(cause as Error).message}`, 1, 1)
  }
  return {
    file,
    text,
    value,
    placeOf: (path) => place(startOf(nodeAt(document, path))),
    placeOfKey: (path, key) => {
      const node = nodeAt(document, path)
      const pair = yaml().isMap(node) ? node.items.find((item: Pair) => keyText(item) === key) : undefined
      return place(pair ? startOf(pair.key as Node) : startOf(node))
    },
    placeInScalar: (path, offset) => {
      const node = nodeAt(document, path)
      if (!yaml().isScalar(node) || typeof node.value !== 'string' || !node.range) return place(startOf(node))
      const start = node.range[0]
      return place(
        start + alignScalar(text.slice(start, node.range[1]), node.value, (node as Scalar).type ?? 'PLAIN', offset),
      )
    },
    sourceAt: (path) => {
      const node = nodeAt(document, path)
      return yaml().isScalar(node) && node.range ? text.slice(node.range[0], node.range[1]) : undefined
    },
  }
}

/** The plain value of a YAML text of any size (descriptions of APIs are megabytes), without places. Throws what is wrong with it. */
export function parseYamlData(text: string): unknown {
  return yaml().parse(text, { maxAliasCount: 10_000, merge: true }) as unknown
}

/** A value as YAML a person would write. */
export const stringifyYaml = (value: unknown): string => yaml().stringify(value, { lineWidth: 0 })

/**
 * Adds an item to a list of a YAML file, which may be empty; what stands there keeps its comments and form. An item whose `name` is
 * taken gets a number behind it. Throws CSW-1004 where the text is no YAML or holds something else under the key.
 */
export function addToYamlList(text: string, key: string, item: Record<string, unknown>, file: string): string {
  const { value } = parseYaml(text === '' ? '{}' : text, file)
  const list = (value as Record<string, unknown> | null)?.[key] ?? []
  if (!Array.isArray(list)) throw refuse(file, `${key} is no list`)
  const taken = new Set(list.map((one: { name?: unknown }) => one?.name))
  let name = item.name
  for (let number = 2; taken.has(name); number++) name = `${item.name} ${number}`
  const document = yaml().parseDocument(text)
  // Of an empty file `set` makes a map.
  if (!document.has(key)) document.set(key, document.createNode([]))
  document.addIn([key], document.createNode({ ...item, name }))
  return document.toString({ lineWidth: 0 })
}

/** Findings for all that a schema does not accept in a YAML file, each with its place. */
export function validateYaml(yaml: YamlFile, validator: Validator, code: ErrorCode = 'CSW-1005'): Finding[] {
  return validator(yaml.value).map((violation) => yamlFinding(yaml, violation, code))
}

function yamlFinding(yaml: YamlFile, violation: Violation, code: ErrorCode): Finding {
  const where = violation.path.length ? `${violation.path.join('.')}: ` : ''
  return {
    severity: 'error',
    code,
    message: where + violation.message,
    fix: violation.fix,
    place: violation.key === undefined ? yaml.placeOf(violation.path) : yaml.placeOfKey(violation.path, violation.key),
  }
}

function refuse(file: string, what: string, line = 1, column = 1, fix?: string): CausewayError {
  return new CausewayError('CSW-1004', { what, place: { file, line, column }, ...(fix === undefined ? {} : { fix }) })
}

/** The mistake that is made most: a condition in an insert or an expression without quotes, whose `: ` YAML takes for a key. */
function hintFor(text: string, line: number): string | undefined {
  const lines = text.split('\n')
  const condition = [lines[line - 1], lines[line - 2]].find((one) => one && UNQUOTED_CONDITION.test(one))
  return condition && `Put the value in quotes, or below a ">-": without them YAML takes ": " for a key and its value.`
}
const UNQUOTED_CONDITION = /[:-]\s+(?!['"|>])[^#]*\?[^#]*:\s/

/** Refuses what would keep the parser busy for seconds: hundreds of thousands of tokens, or brackets in brackets without end. */
function lookThrough(text: string, file: string): void {
  let tokens = 0
  let depth = 0
  let line = 1
  for (const token of new (yaml().Lexer)().lex(text)) {
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    if (depth > MAX_DEPTH) throw refuse(file, `nested deeper than ${MAX_DEPTH} levels`, line)
    if (++tokens > MAX_TOKENS) throw refuse(file, `${file} holds more than ${MAX_TOKENS} words and marks`, line)
    line += token.split('\n').length - 1
  }
}

/** No node too deep, no key twice; the parser's own check compares each key with each other one. */
function checkNodes(node: unknown, place: (offset: number) => Place, depth: number): void {
  if (!yaml().isCollection(node)) return
  if (depth > MAX_DEPTH) {
    const at = place(startOf(node as Node))
    throw refuse(at.file, `nested deeper than ${MAX_DEPTH} levels`, at.line, at.column)
  }
  if (!yaml().isMap(node)) {
    for (const item of node.items) checkNodes(item, place, depth + 1)
    return
  }
  const seen = new Set<string>()
  for (const item of node.items as Pair[]) {
    const key = keyText(item)
    if (key !== MERGE && seen.has(key)) {
      const at = place(startOf(item.key as Node))
      throw refuse(at.file, 'not well-formed YAML: Map keys must be unique', at.line, at.column)
    }
    seen.add(key)
    checkNodes(item.value, place, depth + 1)
  }
}

const MERGE = '<<'
const keyText = (pair: Pair): string => String(yaml().isScalar(pair.key) ? pair.key.value : pair.key)
const startOf = (node: Node | null | undefined): number => node?.range?.[0] ?? 0

/** The node at a path, or its nearest existing ancestor. */
function nodeAt(document: Document.Parsed, path: YamlPath): Node | null {
  let node: Node | null = document.contents as Node | null
  for (const step of path) {
    if (yaml().isAlias(node)) node = node.resolve(document) ?? node
    if (!yaml().isCollection(node)) break
    const next = yaml().isMap(node)
      ? (node.items.find((item: Pair) => keyText(item) === String(step))?.value as Node | undefined)
      : (node.items[Number(step)] as Node | undefined)
    if (!next) break
    node = next
  }
  return node
}
