/** Data with inserts: any YAML value whose texts may hold `${ JSONata }`. */
import type { Expressions, Names } from './expressions.ts'

type Piece = string | { expression: string }

/**
 * Fills the inserts of a value. A text that is one single insert becomes the value itself; where that has no value, the member
 * it stands in is left out. Within a longer text, no value is no text.
 */
export async function fill(template: unknown, names: Names, expressions: Expressions): Promise<unknown> {
  if (typeof template === 'string') return fillText(template, names, expressions)
  if (Array.isArray(template)) {
    const items: unknown[] = []
    for (const item of template) {
      const value = await fill(item, names, expressions)
      if (value !== undefined) items.push(value)
    }
    return items
  }
  if (template === null || typeof template !== 'object') return template
  const filled: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(template)) {
    const value = await fill(item, names, expressions)
    if (value !== undefined) filled[String(await fillText(key, names, expressions))] = value
  }
  return filled
}

async function fillText(text: string, names: Names, expressions: Expressions): Promise<unknown> {
  if (!text.includes('${')) return text
  const pieces = piecesOf(text)
  const [only] = pieces
  if (pieces.length === 1 && typeof only === 'object') return expressions.evaluate(only.expression, names)
  let filled = ''
  for (const piece of pieces) {
    const value = typeof piece === 'string' ? piece : await expressions.evaluate(piece.expression, names)
    filled += value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : value
  }
  return filled
}

const known = new Map<string, Piece[]>()

function piecesOf(text: string): Piece[] {
  const found = known.get(text)
  if (found) return found
  const pieces: Piece[] = []
  let from = 0
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', from)) {
    if (open > from) pieces.push(text.slice(from, open))
    const close = endOf(text, open + 2)
    pieces.push({ expression: text.slice(open + 2, close).trim() })
    from = close + 1
  }
  if (from < text.length) pieces.push(text.slice(from))
  known.set(text, pieces)
  return pieces
}

/** Where the insert that begins at `from` ends: braces nest, and those in quotes or backticks do not count. */
function endOf(text: string, from: number): number {
  let depth = 0
  let quote = ''
  for (let at = from; at < text.length; at++) {
    const character = text[at]!
    if (quote) {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'" || character === '`') quote = character
    else if (character === '{') depth++
    else if (character === '}' && depth-- === 0) return at
  }
  throw new Error(`An insert is not closed: ${text}`)
}
