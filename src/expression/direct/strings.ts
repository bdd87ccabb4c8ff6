/**
 * JSONata's functions that take a pattern are asynchronous because it may be a lambda. Compiled lambdas are not, so these
 * do the same without a promise.
 */
import type { FunctionFocus } from '../builtins.ts'
import type { Match } from '../regex.ts'
import { type CallBack, matchBy } from './call-back.ts'

type Pattern = string | CallBack | undefined

export function contains(this: FunctionFocus, text?: string, pattern?: Pattern): boolean | undefined {
  if (text === undefined || pattern === undefined) return undefined
  return typeof pattern === 'string' ? text.includes(pattern) : matchBy(pattern, this, text) !== undefined
}

export function match(this: FunctionFocus, text?: string, pattern?: CallBack, limit?: number): unknown[] | undefined {
  if (text === undefined) return undefined
  checkLimit(limit, 'D3040', 3)
  const found = this.createSequence()
  for (const { match, start, groups } of matches(this, text, pattern, limit))
    found.push({ match, index: start, groups })
  return found
}

export function split(this: FunctionFocus, text?: string, separator?: Pattern, limit?: number): string[] | undefined {
  if (text === undefined) return undefined
  checkLimit(limit, 'D3020', 3)
  if (limit !== undefined && !(limit > 0)) return []
  if (typeof separator === 'string') return text.split(separator, limit)
  const parts: string[] = []
  let start = 0
  for (const found of matches(this, text, separator, limit)) {
    parts.push(text.substring(start, found.start))
    start = found.end
  }
  if (limit === undefined || parts.length < limit) parts.push(text.substring(start))
  return parts
}

export function replace(
  this: FunctionFocus,
  text: string | undefined,
  pattern: Pattern,
  replacement: string | CallBack,
  limit?: number,
): string | undefined {
  if (text === undefined) return undefined
  if (pattern === '') throw { code: 'D3010', value: pattern, index: 2 }
  checkLimit(limit, 'D3011', 4)
  if (limit !== undefined && !(limit > 0)) return text
  if (typeof pattern === 'string') return replaceText(text, pattern, replacement, limit ?? Number.POSITIVE_INFINITY)
  let result = ''
  let position = 0
  for (const found of matches(this, text, pattern, limit)) {
    const by = typeof replacement === 'string' ? fillGroups(replacement, found) : replacement.apply(this, [found])
    if (typeof by !== 'string') throw { code: 'D3012', value: by }
    result += text.substring(position, found.start) + by
    position = found.start + found.match.length
  }
  return result + text.substring(position)
}

function replaceText(text: string, pattern: string, replacement: unknown, limit: number): string {
  const pieces = text.split(pattern)
  let result = pieces[0]!
  for (const [i, piece] of pieces.slice(1).entries()) result += (i < limit ? replacement : pattern) + piece
  return result
}

function checkLimit(limit: number | undefined, code: string, index: number): void {
  if (limit !== undefined && limit < 0) throw { code, value: limit, index }
}

/** The next match is looked for even after the last that is wanted, because that may fail (D1004). */
function* matches(self: FunctionFocus, text: string, pattern: unknown, limit = Number.POSITIVE_INFINITY) {
  if (!(limit > 0)) return
  let found = matchBy(pattern, self, text)
  for (let count = 0; found !== undefined && count < limit; count++) {
    yield found
    found = matchBy(found.next, self)
  }
}

/** Puts the groups of a match into `$1` to `$99…`, all of it into `$0`, and `$` into `$$`. */
function fillGroups(template: string, { match, groups }: Match): string {
  let result = ''
  let position = 0
  for (let at = template.indexOf('$'); at !== -1; at = template.indexOf('$', position)) {
    result += template.substring(position, at)
    position = at + 1
    const next = template.charAt(position)
    if (next === '$' || next === '0') {
      result += next === '$' ? '$' : match
      position++
      continue
    }
    const group = groupNumber(template, position, groups.length)
    if (Number.isNaN(group)) {
      result += '$'
      continue
    }
    result += groups[group - 1] ?? ''
    position += String(group).length
  }
  return result + template.substring(position)
}

/** As many digits as there can be groups; one less when that names no group. */
function groupNumber(template: string, position: number, groups: number): number {
  const digits = groups === 0 ? 1 : Math.floor(Math.log(groups) * Math.LOG10E) + 1
  const read = (length: number) => Number.parseInt(template.substring(position, position + length), 10)
  const number = read(digits)
  return digits > 1 && number > groups ? read(digits - 1) : number
}
