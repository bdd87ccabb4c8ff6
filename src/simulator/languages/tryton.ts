/** Domains, typed values and commands of Tryton's RPC, as its documentation and trytond/protocols/jsonrpc.py have them. */
import { type Item, isItem } from '../paths.ts'
import { Refusal } from '../problem.ts'
import type { Filter } from './filter.ts'

/** Fields that travel as objects with a class name. */
type Types = Record<string, 'datetime' | 'date' | 'Decimal'>

const OPERATORS: Record<string, string> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  in: 'in',
  'not in': 'not in',
  like: 'like',
  ilike: 'like',
}

const refused = (message: string): Refusal => new Refusal('invalid', { reason: 'body', message }, true)

/**
 * A domain: clauses `[field, operator, value]` that all hold, or any of them behind "OR". A list that does not name `active` means
 * the active records only, unless the context says `active_test: false`.
 */
export function trytonDomain(domain: unknown, context: unknown): Filter {
  if (!isItem(context)) throw refused('Missing context argument')
  const hidden = context.active_test !== false
  const listOf = (list: unknown): Filter => {
    if (!Array.isArray(list)) throw refused('a domain is a list')
    const [first] = list
    const isJoin = first === 'OR' || first === 'AND'
    const parts = (isJoin ? list.slice(1) : list).map((part) => (isClause(part) ? clause(part) : listOf(part)))
    const joined: Filter = first === 'OR' ? { or: parts } : { and: parts }
    const names = list.some((part) => isClause(part) && part[0] === 'active')
    return hidden && !names ? { and: [joined, { path: 'active', op: '!=', value: false }] } : joined
  }
  return listOf(domain)
}

const isClause = (part: unknown): part is [string, string, unknown] =>
  Array.isArray(part) && part.length === 3 && typeof part[0] === 'string' && part[0] !== 'OR' && part[0] !== 'AND'

function clause([path, operator, value]: [string, string, unknown]): Filter {
  const op = OPERATORS[operator]
  if (!op) throw refused(`the operator ${operator} is not known`)
  if ((op === 'in' || op === 'not in') && !Array.isArray(value)) throw refused(`${operator} takes a list`)
  return { path, op, value: plainOf(value) }
}

/** Plain values of what a request writes; a field of a type takes nothing but an object of its class, and null. */
export function trytonPlain(values: unknown, types: Types): Item {
  if (!isItem(values)) throw refused('the values are no object')
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const type = types[name]
      if (type && value !== null && !(isItem(value) && value.__class__ === type))
        throw refused(`${name} takes a value of class ${type}`)
      return [name, isItem(value) ? plainOf(value) : value]
    }),
  )
}

/** A record as it is answered: fields of a type as objects of their class. */
export function trytonTyped(record: Item, types: Types): Item {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, value === null ? null : typed(value, types[name])]),
  )
}

/** The ids that relation commands leave: `["add", ids]`, `["create", records]`; the latter get ids that are made up. */
export function trytonIds(commands: unknown): number[] {
  if (!Array.isArray(commands)) throw refused('a relation is written by commands')
  return commands.flatMap((command: unknown) => {
    const [name, items] = Array.isArray(command) ? (command as unknown[]) : []
    if (!Array.isArray(items)) throw refused('a command is a list of a name and a list')
    if (name === 'add') return items as number[]
    if (name === 'create' && items.every(isItem)) return items.map((_, index) => 90_000 + index)
    throw refused(`the command ${String(name)} is not described here`)
  })
}

function typed(value: unknown, type: Types[string] | undefined): unknown {
  if (type === 'Decimal') return { __class__: 'Decimal', decimal: String(value) }
  if (!type) return value
  const date = new Date(String(value))
  const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
  if (type === 'date') return { __class__: 'date', ...day }
  const time = { hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() }
  return { __class__: 'datetime', ...day, ...time, microsecond: date.getUTCMilliseconds() * 1000 }
}

const two = (value: unknown): string => String(value).padStart(2, '0')

function plainOf(value: unknown): unknown {
  if (!isItem(value)) return value
  const { __class__: name, year, month, day, hour, minute, second, microsecond } = value
  const wanted = (...parts: unknown[]) => {
    if (!parts.every(Number.isInteger)) throw refused(`a value of class ${String(name)} lacks a part`)
  }
  if (name === 'Decimal' && typeof value.decimal === 'string') return value.decimal
  wanted(year, month, day)
  const date = `${String(year)}-${two(month)}-${two(day)}`
  if (name === 'date') return date
  if (name !== 'datetime') throw refused(`the class ${String(name)} is not known`)
  wanted(hour, minute, second, microsecond)
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}.${String(microsecond).padStart(6, '0')}Z`
}
