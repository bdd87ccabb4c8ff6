/** The body of a webhook, read with a limit to its depth. */
import { CausewayError, type Json, parseExact } from '../../core/index.ts'
import { parseForm } from './form-body.ts'

/** Deeper than anything a system sends; beyond it, expressions end in recursion. */
const MAX_DEPTH = 64

type BodyAs = 'json' | 'form'

export function parsedOrNothing(body: Buffer, as: BodyAs): Json | undefined {
  try {
    return parsed(body, as)
  } catch {
    return undefined
  }
}

export function parsed(body: Buffer, as: BodyAs): Json | undefined {
  const text = body.toString('utf8')
  if (text.trim() === '') return undefined
  if (isDeep(text)) throw notUnderstood(`it is nested deeper than ${MAX_DEPTH} levels`)
  if (as === 'form') return parseForm(text)
  try {
    return parseExact(text)
  } catch {
    throw notUnderstood('its body is not JSON')
  }
}

/** Looked at before it is parsed: parsers and expressions recurse. */
function isDeep(text: string): boolean {
  // Most bodies have not even that many brackets, and counting those is quick.
  if (occurrences(text, '{') + occurrences(text, '[') <= MAX_DEPTH) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '[' || char === '{') {
      if (++depth > MAX_DEPTH) return true
    } else if (char === ']' || char === '}') depth--
  }
  return false
}

function occurrences(text: string, char: string): number {
  let count = 0
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) count++
  return count
}

export const notUnderstood = (why: string): CausewayError =>
  new CausewayError('CSW-2012', { what: `A webhook cannot be read: ${why}.` })
