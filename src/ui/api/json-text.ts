/**
 * JSON the page shows but must not parse. A JavaScript double respells 9223372036854775807 and 0.10, and objects reorder keys
 * that look like integers and keep one of two equal keys. So record bodies stay the text the hub sent, from the wire to the
 * screen; only the envelope around them is parsed.
 */
export type JsonText = { readonly text: string }

const QUOTE = 34
const BACKSLASH = 92

/**
 * Parses an answer. Values at the given paths ("items[].error") become `JsonText`, whatever is in them; null stays null.
 */
export function parseAnswer(text: string, verbatimFields: ReadonlySet<string>): unknown {
  const reader = new Reader(text, verbatimFields)
  const value = reader.value('')
  reader.end()
  return value
}

class Reader {
  readonly #text: string
  readonly #verbatim: ReadonlySet<string>
  #at = 0

  constructor(text: string, verbatim: ReadonlySet<string>) {
    this.#text = text
    this.#verbatim = verbatim
  }

  value(path: string): unknown {
    const first = this.#peek()
    if (this.#verbatim.has(path)) return kept(this.#slice())
    if (first === '{') return this.#object(path)
    if (first === '[') return this.#array(path)
    return JSON.parse(this.#slice())
  }

  end(): void {
    if (this.#peek() !== '') throw new SyntaxError(`JSON goes on after its end, at ${this.#at}`)
  }

  #object(path: string): Record<string, unknown> {
    const entries: [string, unknown][] = []
    this.#expect('{')
    if (this.#take('}')) return {}
    do {
      this.#peek()
      const key = JSON.parse(this.#slice()) as string
      this.#expect(':')
      entries.push([key, this.value(path ? `${path}.${key}` : key)])
    } while (this.#take(','))
    this.#expect('}')
    // fromEntries defines, so that even a key "__proto__" is just a key.
    return Object.fromEntries(entries)
  }

  #array(path: string): unknown[] {
    const items: unknown[] = []
    this.#expect('[')
    if (this.#take(']')) return items
    do items.push(this.value(`${path}[]`))
    while (this.#take(','))
    this.#expect(']')
    return items
  }

  /** The text of the value that begins here; moves behind it. */
  #slice(): string {
    const start = this.#at
    this.#at = endOfValue(this.#text, start)
    return this.#text.slice(start, this.#at)
  }

  #peek(): string {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#text.charAt(this.#at)
  }

  #take(sign: string): boolean {
    if (this.#peek() !== sign) return false
    this.#at++
    return true
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) throw new SyntaxError(`JSON: ${sign} expected at ${this.#at}`)
  }
}

const kept = (text: string): JsonText | null => (text === 'null' ? null : { text })

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    if (code === BACKSLASH) i++
  }
  throw new SyntaxError('JSON ends within a string')
}

function endOfScalar(text: string, start: number): number {
  let i = start
  while (i < text.length && !',:]}'.includes(text.charAt(i)) && !isSpace(text.charCodeAt(i))) i++
  return i
}

/** Counts brackets instead of recursing, so that no depth of a record can overflow the stack. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  let i = start
  while (i < text.length) {
    const sign = text.charAt(i)
    if (sign === '"') i = endOfString(text, i)
    else if (sign === '{' || sign === '[') {
      depth++
      i++
    } else if (sign === '}' || sign === ']') {
      depth--
      i++
    } else if (sign === ',' || sign === ':' || isSpace(text.charCodeAt(i))) i++
    else i = endOfScalar(text, i)
    if (depth <= 0) return i
  }
  throw new SyntaxError('JSON ends too early')
}

/** Deeper levels stand below each other: a thousand levels would make lines of two thousand spaces. */
const MAX_INDENT = 32

/** Sets JSON text on lines for reading. Only white space between tokens changes; every value keeps its spelling. */
export function indentJson(text: string): string {
  const out: string[] = []
  let depth = 0
  let i = 0
  const newLine = (): void => void out.push('\n', '  '.repeat(Math.min(depth, MAX_INDENT)))
  while (i < text.length) {
    const sign = text.charAt(i)
    if (isSpace(text.charCodeAt(i))) {
      i++
      continue
    }
    if (sign === '{' || sign === '[') {
      const empty = /[\]}]/.exec(text.charAt(skipSpace(text, i + 1)))
      out.push(sign)
      i++
      if (empty) {
        out.push(empty[0])
        i = skipSpace(text, i) + 1
      } else {
        depth++
        newLine()
      }
    } else if (sign === '}' || sign === ']') {
      depth--
      newLine()
      out.push(sign)
      i++
    } else if (sign === ',') {
      out.push(sign)
      newLine()
      i++
    } else if (sign === ':') {
      out.push(': ')
      i++
    } else {
      const end = sign === '"' ? endOfString(text, i) : endOfScalar(text, i)
      out.push(text.slice(i, end))
      i = end
    }
  }
  return out.join('')
}

function skipSpace(text: string, start: number): number {
  let i = start
  while (isSpace(text.charCodeAt(i))) i++
  return i
}

/** The parsed value of text whose numbers are the hub's own (counts, errors), never a record's. */
export function readJson<T>(json: JsonText | null): T | null {
  return json === null ? null : (JSON.parse(json.text) as T)
}
