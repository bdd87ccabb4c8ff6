/** Words of filter and query languages: quoted texts, numbers, names, signs. */
import { Refusal } from '../problem.ts'

export type Token = { kind: 'text' | 'number' | 'word' | 'sign' | 'end'; value: string }

const TOKEN =
  /\s*(?:'((?:[^'\\]|\\.|'')*)'|(-?\d+(?:\.\d+)?(?![\w:.-]))|([\w$@`.:/+-]*[\w$@`*])|(<=|>=|!=|<>|[(),=<>*]))/y

/** Cuts a query into its words. `quoted` says how a quote inside a text is written: doubled, or behind a backslash. */
export class Words {
  private readonly text: string
  private position = 0
  private ahead: Token | null = null

  constructor(text: string) {
    this.text = text
  }

  get next(): Token {
    this.ahead ??= this.read()
    return this.ahead
  }

  take(): Token {
    const token = this.next
    this.ahead = null
    return token
  }

  /** Takes the next word where it is one of these; names are compared without regard to case. */
  takeIf(...values: string[]): string | null {
    const { kind, value } = this.next
    if (kind === 'text' || kind === 'number' || !values.includes(value.toLowerCase())) return null
    this.take()
    return value.toLowerCase()
  }

  demand(value: string): void {
    if (this.takeIf(value) === null) throw this.fault(`"${value}" is missing`)
  }

  fault(why: string): Refusal {
    const message = `the query cannot be read at ${this.position} of ${JSON.stringify(this.text)}: ${why}`
    return new Refusal('invalid', { reason: 'query', value: this.text, message }, true)
  }

  private read(): Token {
    if (this.text.slice(this.position).trim() === '') return { kind: 'end', value: '' }
    TOKEN.lastIndex = this.position
    const found = TOKEN.exec(this.text)
    if (!found) throw this.fault('an unexpected character')
    this.position = TOKEN.lastIndex
    const [, text, number, word, sign] = found
    if (text !== undefined) return { kind: 'text', value: text.replaceAll("''", "'").replace(/\\(.)/g, '$1') }
    if (number !== undefined) return { kind: 'number', value: number }
    return word !== undefined ? { kind: 'word', value: word } : { kind: 'sign', value: sign! }
  }
}

/** The value a word stands for: text, number, true, false, null, or itself (a date without quotes). */
export function literalOf({ kind, value }: Token): unknown {
  if (kind === 'text') return value
  if (kind === 'number') return Number(value)
  const named: Record<string, unknown> = { true: true, false: false, null: null }
  return Object.hasOwn(named, value.toLowerCase()) ? named[value.toLowerCase()] : value
}
