/** Finds the `${ … }` inserts of a template. */

type Insert = { source: string /** Where `source` begins in the template. */; offset: number }
export type Segment = string | Insert
export type TemplateFault = { message: string; offset: number }

/**
 * Cuts a template into literal texts and inserts; `$${` stands for a literal `${`. Braces, quoted strings, backtick names and
 * comments inside an insert are JSONata's. A regular expression that holds a brace or a quote cannot be told from a division
 * here: such an expression belongs into a field of kind expression.
 */
export function parseInserts(text: string): Segment[] | TemplateFault {
  const segments: Segment[] = []
  let literal = ''
  let at = 0
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      literal += '${'
      at += 3
    } else if (text.startsWith('${', at)) {
      const end = endOfInsert(text, at + 2)
      if (end < 0) return { message: 'the insert that begins here is not closed by "}"', offset: at }
      const source = text.slice(at + 2, end)
      if (source.trim() === '') return { message: 'the insert is empty', offset: at }
      if (literal) segments.push(literal)
      literal = ''
      segments.push({ source, offset: at + 2 })
      at = end + 1
    } else literal += text[at++]
  }
  if (literal) segments.push(literal)
  return segments
}

function endOfInsert(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '"' || char === "'" || char === '`') at = endOfQuoted(text, at, char)
    else if (char === '/' && text[at + 1] === '*') at = Math.max(at, text.indexOf('*/', at + 2) + 1)
    else if (char === '{') depth++
    else if (char === '}' && depth-- === 0) return at
  }
  return -1
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote !== '`') at++
    else if (text[at] === quote) return at
  }
  return text.length
}
