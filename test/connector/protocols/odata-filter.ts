/**
 * `$filter` as a strict service reads it: a literal that is not in the spelling of its property's type and the version is an
 * error, as it is with real ones. Knows eq, ge, gt, and, or, brackets and tolower().
 */
export type Version = 'v4' | 'v2'
export type Type = 'string' | 'guid' | 'int64' | 'datetime' | 'datetimeoffset'
export type Row = Record<string, unknown>

export class BadRequest extends Error {}

/** A value as text; numbers with a spelling of their own are objects. */
export const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? (value as { rawJSON: string }).rawJSON : String(value)

const TOKEN = /\s*(?:(tolower)\((\w+)\)|(\(|\))|((?:guid|datetime|datetimeoffset)?'(?:[^']|'')*')|([\w.:-]+))/y
const LITERALS: Record<Version, Record<Type, RegExp>> = {
  v4: {
    string: /^'((?:[^']|'')*)'$/,
    guid: /^([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/,
    int64: /^(-?\d+)$/,
    datetime: /^$/,
    datetimeoffset: /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?Z)$/,
  },
  v2: {
    string: /^'((?:[^']|'')*)'$/,
    guid: /^guid'([0-9a-fA-F-]{36})'$/,
    int64: /^(-?\d+)L$/,
    datetime: /^datetime'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?)'$/,
    datetimeoffset: /^datetimeoffset'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?Z)'$/,
  },
}

/** The value of a literal, comparable with that of a property: numbers as bigint, the rest as text. */
export function literalValue(text: string, type: Type, version: Version): string | bigint {
  const match = LITERALS[version][type].exec(text)
  if (!match) throw new BadRequest(`${text} is no ${type} literal of ${version}`)
  const value = match[1]!.replaceAll("''", "'")
  return type === 'int64' ? BigInt(value) : type === 'guid' ? value.toLowerCase() : comparable(value, type)
}

/** Times with all digits, so that text order is time order. */
const comparable = (value: string, type: Type): string =>
  type.startsWith('date')
    ? value.replace(/^(.{19})(?:\.(\d+))?Z?$/, (_, s: string, f = '') => `${s}.${f.padEnd(7, '0')}`)
    : value

export function predicate(filter: string, types: Record<string, Type>, version: Version): (row: Row) => boolean {
  const tokens: string[][] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < filter.trimEnd().length) {
    const match = TOKEN.exec(filter)
    if (!match) throw new BadRequest(`cannot read ${filter}`)
    tokens.push(match.slice(1))
  }
  let at = 0
  const word = () => tokens[at]?.[4]
  const either = (): ((row: Row) => boolean) => {
    const terms = [all()]
    while (word() === 'or' && ++at) terms.push(all())
    return (row) => terms.some((term) => term(row))
  }
  const all = (): ((row: Row) => boolean) => {
    const terms = [one()]
    while (word() === 'and' && ++at) terms.push(one())
    return (row) => terms.every((term) => term(row))
  }
  const one = (): ((row: Row) => boolean) => {
    if (tokens[at]?.[2] === '(') {
      at++
      const inner = either()
      if (tokens[at++]?.[2] !== ')') throw new BadRequest(`a bracket is missing in ${filter}`)
      return inner
    }
    const [lower, folded, , , plain] = tokens[at++] ?? []
    const name = folded ?? plain ?? ''
    const operator = tokens[at++]?.[4]
    const literal = tokens[at++]
    const type = types[name]
    if (!type || !literal || !/^(eq|ge|gt)$/.test(operator ?? '')) throw new BadRequest(`cannot read ${filter}`)
    const value = literalValue(literal[3] ?? literal[4] ?? '', type, version)
    return (row) => {
      if (row[name] === null || row[name] === undefined) return false
      const text = lower ? shown(row[name]).toLowerCase() : shown(row[name])
      const held = type === 'int64' ? BigInt(text) : comparable(text, type)
      return operator === 'eq' ? held === value : operator === 'gt' ? held > value : held >= value
    }
  }
  const made = either()
  if (at !== tokens.length) throw new BadRequest(`cannot read ${filter}`)
  return made
}
