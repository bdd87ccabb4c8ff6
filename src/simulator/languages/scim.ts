/** Filters and PATCH operations of SCIM 2.0 (RFC 7644, sections 3.4.2.2 and 3.5.2). */
import { type Item, isItem, put } from '../paths.ts'
import { Refusal } from '../problem.ts'
import type { Filter } from './filter.ts'

/** Attributes that can be asked for, and how their values compare (`caseExact` of RFC 7643). */
type Attributes = Record<string, 'exact' | 'any case' | 'moment'>
type Token = { kind: 'word' | 'literal' | 'sign'; value: unknown }

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?![\w.])|(?:true|false|null)\b)|([A-Za-z][\w$.:-]*)|([()[\]]))/gy
const OPERATORS: Record<string, string> = {
  eq: '=',
  ne: '!=',
  co: 'contains',
  sw: 'starts',
  ew: 'ends',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
}

const refused = (reason: string, message: string): Refusal => new Refusal('invalid', { reason, message }, true)

/** Comparisons of a `filter`; no text, no conditions. Names and operators are compared without regard to case. */
export function scimFilter(text: string | undefined, attributes: Attributes): Filter | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const tokens = tokensOf(text)
  const bad = (why: string) => refused('filter', `the filter ${text} cannot be read: ${why}`)
  const isWord = (word: string) => tokens[0]?.kind === 'word' && String(tokens[0].value).toLowerCase() === word
  const take = (kind: Token['kind'], what: string): string => {
    const token = tokens.shift()
    if (token?.kind !== kind) throw bad(`${what} is missing`)
    return String(token.value)
  }
  const joined = (word: 'and' | 'or', next: () => Filter): Filter[] => {
    const parts = [next()]
    while (isWord(word)) {
      tokens.shift()
      parts.push(next())
    }
    return parts
  }
  const any = (): Filter => ({ or: joined('or', () => ({ and: joined('and', one) })) })
  const group = (): Filter => {
    tokens.shift()
    const inner = any()
    if (take('sign', 'a bracket') !== ')') throw bad('a bracket is not closed')
    return inner
  }
  const one = (): Filter => {
    if (tokens[0]?.value === '(') return group()
    if (isWord('not')) {
      tokens.shift()
      if (tokens[0]?.value !== '(') throw bad('"not" is followed by a bracket')
      return { not: group() }
    }
    const named = take('word', 'an attribute')
    const found = Object.entries(attributes).find(([path]) => path.toLowerCase() === named.toLowerCase())
    if (!found) throw bad(`${named} is no attribute that can be asked for`)
    const [path, how] = found
    const operator = take('word', 'an operator').toLowerCase()
    if (operator === 'pr') return { path, op: 'has' }
    const op = OPERATORS[operator]
    const value = tokens.shift()
    if (!op || value?.kind !== 'literal') throw bad(`"${operator}" and a value in JSON are expected`)
    return { path, op: op === '=' && how === 'any case' ? '~' : op, value: value.value }
  }
  const filter = any()
  if (tokens.length > 0) throw bad(`${String(tokens[0]!.value)} is not expected`)
  return filter
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  let end = 0
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    end = TOKEN.lastIndex
    const [, literal, word, sign] = found
    if (literal !== undefined) tokens.push({ kind: 'literal', value: JSON.parse(literal) })
    else if (word !== undefined) tokens.push({ kind: 'word', value: word })
    else tokens.push({ kind: 'sign', value: sign })
  }
  if (text.slice(end).trim() !== '') throw refused('filter', `the filter ${text} cannot be read at ${end}`)
  return tokens
}

/** What a PATCH sets, to be merged with the resource; null takes a value away. Paths with a filter are refused. */
export function scimPatch(operations: unknown): Item {
  if (!Array.isArray(operations) || operations.length === 0 || !operations.every(isItem))
    throw refused('body', 'Operations is not a list of operations')
  const values: Item = {}
  for (const { op, path, value } of operations) {
    const kind = String(op).toLowerCase()
    if (!['add', 'replace', 'remove'].includes(kind)) throw refused('body', `there is no operation ${String(op)}`)
    if (kind === 'remove' && path === undefined) throw refused('noTarget', 'remove needs a path')
    const given = kind === 'remove' ? null : value
    if (path !== undefined) put(values, pathOf(String(path)), given)
    else if (isItem(given)) Object.assign(values, given)
    else throw refused('body', 'without a path the value names the attributes')
    if (kind === 'add' && Object.values(values).some(Array.isArray))
      throw refused('body', 'adding to a list is not described here')
  }
  return values
}

/** `name.familyName`, or `urn:…:2.0:User:department`, whose dot belongs to the name. */
function pathOf(path: string): string {
  if (path.includes('[')) throw refused('body', `a path with a filter is not described here: ${path}`)
  const urn = /^(urn:.+):([^:]+)$/.exec(path)
  return urn ? `${urn[1]!.replaceAll('.', '\\.')}.${urn[2]}` : path
}
