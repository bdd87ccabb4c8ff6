/** `$filter` of OData 4 and 2, as far as business systems are asked by it. */
import type { Filter } from './filter.ts'
import { literalOf, type Token, Words } from './tokens.ts'

const OPERATORS: Record<string, string> = { eq: '=', ne: '!=', gt: '>', ge: '>=', lt: '<', le: '<=' }
const FUNCTIONS: Record<string, string> = { contains: 'contains', startswith: 'starts', endswith: 'ends' }

/** Comparisons of a `$filter`; no text, no conditions. Throws a refusal for what it does not know. */
export function odataFilter(text: string | undefined): Filter | undefined {
  if (!text?.trim()) return undefined
  const words = new Words(text)
  const filter = anyOf(words)
  if (words.next.kind !== 'end') throw words.fault(`"${words.next.value}" is not expected`)
  return filter
}

/** `name desc,id` in the words of `order`. */
export const odataOrder = (text: string | undefined): string | undefined =>
  text
    ?.split(',')
    .map((part) => {
      const [path = '', direction] = part.trim().split(/\s+/)
      return (direction?.toLowerCase() === 'desc' ? '-' : '') + path.replaceAll('/', '.')
    })
    .join(',')

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
  const word = words.take()
  const name = word.value.toLowerCase()
  if (words.takeIf('(')) return called(words, name)
  const path = pathOf(word)
  if (words.takeIf('in')) return { path, op: 'in', value: list(words) }
  const operator = OPERATORS[words.take().value.toLowerCase()]
  if (!operator) throw words.fault('an operator is missing')
  return { path, op: operator, value: value(words) }
}

/** `contains(name,'a')`, `tolower(name) eq 'a'`, and OData 2's `substringof('a',name)`. */
function called(words: Words, name: string): Filter {
  if (name === 'substringof') {
    const part = value(words)
    words.demand(',')
    const path = pathOf(words.take())
    words.demand(')')
    tail(words)
    return { path, op: 'contains', value: part }
  }
  if (name === 'tolower' || name === 'toupper') {
    const path = pathOf(words.take())
    words.demand(')')
    if (!words.takeIf('eq')) throw words.fault('only eq is known here')
    return { path, op: '~', value: value(words) }
  }
  const op = FUNCTIONS[name]
  if (!op) throw words.fault(`the function ${name} is not known`)
  const path = pathOf(words.take())
  words.demand(',')
  const wanted = value(words)
  words.demand(')')
  tail(words)
  return { path, op, value: wanted }
}

/** `contains(…) eq true` means the same as without. */
function tail(words: Words): void {
  if (words.takeIf('eq')) words.demand('true')
}

const pathOf = ({ value: path }: Token): string => path.replaceAll('/', '.')

/** A literal; OData 2 writes `datetime'…'`, `guid'…'` and `12.5M`. */
function value(words: Words): unknown {
  const token = words.take()
  if (
    token.kind === 'word' &&
    /^(datetime|datetimeoffset|guid|binary)$/i.test(token.value) &&
    words.next.kind === 'text'
  )
    return words.take().value
  if (token.kind === 'word' && /^-?\d+(\.\d+)?[MLDF]$/i.test(token.value)) return Number(token.value.slice(0, -1))
  return literalOf(token)
}

function list(words: Words): unknown[] {
  words.demand('(')
  const values = [value(words)]
  while (words.takeIf(',')) values.push(value(words))
  words.demand(')')
  return values
}
