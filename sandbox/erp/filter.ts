import { Refusal } from '../http/index.ts'

/**
 * The filter language: `modified ge 2026-01-31T10:00:00Z and (country eq 'PL' or number in ('C-1', 'C-2'))`.
 * Operators eq, ne, gt, ge, lt, le, in; and, or, not, parentheses. Texts stand in single quotes, doubled inside, or are JSON
 * texts; a list stands in parentheses or is a JSON list.
 */
export type Test = (field: (name: string) => Comparable) => boolean
/** What fields and literals are compared as: times as milliseconds, decimals as numbers. */
export type Comparable = string | number | boolean | null | undefined

type Token = { kind: 'word' | 'text' | 'number' | 'time' | 'punctuation' | 'end'; text: string; at: number }
type Literal = Exclude<Comparable, undefined>

const TOKEN =
  /\s*(?:('(?:[^']|'')*'|"(?:[^"\\]|\\.)*")|(\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?)|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([()[\],]))/y

/** Reads a filter; refuses with the position of what it does not understand. */
export function parseFilter(text: string, knows: (field: string) => boolean): Test {
  const parser = new Parser(tokens(text), knows)
  return parser.whole()
}

function tokens(text: string): Token[] {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  let at = 0
  while (text.slice(at).trim() !== '') {
    const match = TOKEN.exec(text)
    if (match === null) throw wrong(at, 'unexpected character')
    const kinds = ['text', 'time', 'number', 'word', 'punctuation'] as const
    const index = match.slice(1).findIndex((part) => part !== undefined)
    const part = match[index + 1] as string
    found.push({ kind: kinds[index] as Token['kind'], text: part, at: TOKEN.lastIndex - part.length })
    at = TOKEN.lastIndex
  }
  return [...found, { kind: 'end', text: 'the end', at: text.length }]
}

const wrong = (at: number, what: string): Refusal =>
  new Refusal(400, 'BAD_FILTER', `Filter, position ${at + 1}: ${what}`, { target: 'filter' })

class Parser {
  readonly #tokens: Token[]
  readonly #knows: (field: string) => boolean
  #next = 0

  constructor(all: Token[], knows: (field: string) => boolean) {
    this.#tokens = all
    this.#knows = knows
  }

  whole(): Test {
    const test = this.#or()
    if (this.#peek().kind !== 'end') throw wrong(this.#peek().at, `"${this.#peek().text}" is not expected here`)
    return test
  }

  #or(): Test {
    const parts = [this.#and()]
    while (this.#accept('or')) parts.push(this.#and())
    return parts.length === 1 ? (parts[0] as Test) : (field) => parts.some((part) => part(field))
  }

  #and(): Test {
    const parts = [this.#not()]
    while (this.#accept('and')) parts.push(this.#not())
    return parts.length === 1 ? (parts[0] as Test) : (field) => parts.every((part) => part(field))
  }

  #not(): Test {
    if (this.#accept('not')) {
      const inner = this.#not()
      return (field) => !inner(field)
    }
    if (this.#accept('(')) {
      const inner = this.#or()
      this.#expect(')')
      return inner
    }
    return this.#comparison()
  }

  #comparison(): Test {
    const name = this.#take()
    if (name.kind !== 'word' || !this.#knows(name.text)) throw wrong(name.at, `there is no field "${name.text}"`)
    const operator = this.#take()
    if (operator.text === 'in') {
      const values = this.#list()
      return (field) => values.some((value) => equal(field(name.text), value))
    }
    const compare = COMPARISONS[operator.text]
    if (compare === undefined) throw wrong(operator.at, `"${operator.text}" is not an operator`)
    const value = this.#literal()
    return (field) => compare(field(name.text), value)
  }

  #list(): Literal[] {
    const closing = this.#accept('[') ? ']' : ')'
    if (closing === ')') this.#expect('(')
    const values = [this.#literal()]
    while (this.#accept(',')) values.push(this.#literal())
    this.#expect(closing)
    if (values.length > 100) throw wrong(0, `in takes up to 100 values, not ${values.length}`)
    return values
  }

  #literal(): Literal {
    const token = this.#take()
    if (token.kind === 'text') return textOf(token)
    if (token.kind === 'number') return Number(token.text)
    if (token.kind === 'time') return Date.parse(token.text)
    if (token.text === 'true' || token.text === 'false') return token.text === 'true'
    if (token.text === 'null') return null
    throw wrong(token.at, `"${token.text}" is not a value`)
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next += 1
    return token
  }

  #accept(text: string): boolean {
    if (this.#peek().kind === 'text' || this.#peek().text !== text) return false
    this.#next += 1
    return true
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw wrong(this.#peek().at, `"${text}" is missing`)
  }
}

function textOf({ text, at }: Token): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  try {
    return JSON.parse(text) as string
  } catch {
    throw wrong(at, `${text} is not a JSON text`)
  }
}

const equal = (left: Comparable, right: Literal): boolean =>
  typeof left === 'string' && typeof right === 'string'
    ? left.toLowerCase() === right.toLowerCase()
    : (left ?? null) === right

const COMPARISONS: Record<string, (left: Comparable, right: Literal) => boolean> = {
  eq: equal,
  ne: (left, right) => !equal(left, right),
  gt: (left, right) => ordered(left, right) && (left as string) > (right as string),
  ge: (left, right) => ordered(left, right) && (left as string) >= (right as string),
  lt: (left, right) => ordered(left, right) && (left as string) < (right as string),
  le: (left, right) => ordered(left, right) && (left as string) <= (right as string),
}

/** Only values of one kind have an order; emptiness has none. */
const ordered = (left: Comparable, right: Literal): boolean =>
  right !== null && left !== null && left !== undefined && typeof left === typeof right
