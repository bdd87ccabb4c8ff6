/** SELECT statements as SOQL, SuiteQL and QuickBooks' query language have them. */
import type { Filter } from './filter.ts'
import { literalOf, Words } from './tokens.ts'

export type Statement = {
  fields: string[]
  from: string
  filter?: Filter
  /** In the words of `order`. */
  order?: string
  limit?: number
  offset?: number
}

/** Reads one statement. Throws a refusal for what it does not know. */
export function selectStatement(text: string): Statement {
  const words = new Words(text.replace(/;\s*$/, ''))
  words.demand('select')
  const fields = fieldsOf(words)
  words.demand('from')
  const statement: Statement = { fields, from: words.take().value }
  if (words.takeIf('where')) statement.filter = anyOf(words)
  if (words.takeIf('order', 'orderby')) {
    words.takeIf('by')
    statement.order = orderOf(words)
  }
  for (;;) {
    const clause = words.takeIf('limit', 'maxresults', 'offset', 'startposition')
    if (!clause) break
    const number = Number(words.take().value)
    if (clause === 'limit' || clause === 'maxresults') statement.limit = number
    else statement.offset = clause === 'startposition' ? number - 1 : number
  }
  if (words.next.kind !== 'end') throw words.fault(`"${words.next.value}" is not expected`)
  return statement
}

function fieldsOf(words: Words): string[] {
  const fields: string[] = []
  do {
    const { value } = words.take()
    if (words.takeIf('(')) {
      while (!words.takeIf(')')) words.take()
      fields.push(`${value.toLowerCase()}()`)
    } else fields.push(value)
    // An alias: `name AS n`.
    if (words.takeIf('as')) fields.push(words.take().value)
  } while (words.takeIf(','))
  return fields
}

function orderOf(words: Words): string {
  const keys: string[] = []
  do {
    const { value } = words.take()
    const direction = words.takeIf('asc', 'desc')
    if (words.takeIf('nulls')) words.take()
    keys.push((direction === 'desc' ? '-' : '') + value)
  } while (words.takeIf(','))
  return keys.join(',')
}

function anyOf(words: Words): Filter {
  const parts = [allOf(words)]
  while (words.takeIf('or')) parts.push(allOf(words))
  return parts.length === 1 ? parts[0]! : { or: parts }
}

function allOf(words: Words): Filter {
  const parts = [one(words)]
  while (words.takeIf('and')) parts.push(one(words))
  return parts.length === 1 ? parts[0]! : { and: parts }
}

function one(words: Words): Filter {
  if (words.takeIf('not')) return { not: one(words) }
  if (words.takeIf('(')) {
    const inner = anyOf(words)
    words.demand(')')
    return inner
  }
  let path = words.take().value
  // LOWER(email), or a number made of text: the field inside is what counts.
  let lower = false
  if (words.takeIf('(')) {
    lower = /^(lower|upper)$/i.test(path)
    path = words.take().value
    words.demand(')')
  }
  if (words.takeIf('is')) {
    const not = words.takeIf('not')
    words.demand('null')
    return { path, op: not ? 'has' : 'has not' }
  }
  const not = words.takeIf('not')
  if (words.takeIf('in')) return { path, op: not ? 'not in' : 'in', value: list(words) }
  if (words.takeIf('like')) return like(path, String(value(words)))
  const operator = words.take().value
  const op = operator === '<>' ? '!=' : operator
  if (!/^(=|!=|<|>|<=|>=)$/.test(op)) throw words.fault(`the operator ${operator} is not known`)
  return { path, op: lower && op === '=' ? '~' : op, value: value(words) }
}

function like(path: string, pattern: string): Filter {
  const bare = pattern.replaceAll('%', '')
  const op = pattern.startsWith('%')
    ? pattern.endsWith('%')
      ? 'contains'
      : 'ends'
    : pattern.endsWith('%')
      ? 'starts'
      : '~'
  return { path, op, value: bare }
}

/** A literal, also inside a function such as TO_DATE('…', '…'). */
function value(words: Words): unknown {
  const token = words.take()
  if (token.kind !== 'word' || !words.takeIf('(')) return literalOf(token)
  const inner = value(words)
  while (words.takeIf(',')) value(words)
  words.demand(')')
  return inner
}

function list(words: Words): unknown[] {
  words.demand('(')
  const values = [value(words)]
  while (words.takeIf(',')) values.push(value(words))
  words.demand(')')
  return values
}
