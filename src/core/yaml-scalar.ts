/**
 * Finds where a character of a decoded YAML string stands in the source of that scalar.
 *
 * Blocks lose indentation, folded and plain scalars lose line breaks, quoted ones hold escapes. But all styles keep the order
 * of their visible characters, so walking decoded text and source side by side, letting white space slide, gives the place
 * without a second YAML decoder.
 */
export function alignScalar(source: string, decoded: string, style: string, offset: number): number {
  const quote = style === 'QUOTE_DOUBLE' ? '"' : style === 'QUOTE_SINGLE' ? "'" : ''
  let at = quote ? 1 : style.startsWith('BLOCK') ? endOfLine(source, 0) + 1 : 0
  let lastVisible = at
  for (let i = 0; i < decoded.length; i++) {
    const char = decoded[i]!
    const blank = isBlank(char)
    if (quote === '"') at = skipLineContinuation(source, at)
    if (blank && !(quote === '"' && isBlankEscape(source, at))) {
      if (i === offset) return blankAt(source, at, decoded, i, lastVisible)
      // A blank run may be shorter or longer in the source; the next visible character settles it.
      if (isBlank(source[at] ?? '') && source[at] === char) at++
      continue
    }
    if (!blank) at = skipBlanks(source, at, quote)
    if (i === offset) return at
    at += sourceLength(source, at, quote, char)
    lastVisible = at
  }
  return Math.min(at, source.length)
}

const isBlank = (char: string): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r'

/** `\n`, `\ ` and their like, which double quotes write for blanks. */
const isBlankEscape = (source: string, at: number): boolean =>
  source[at] === '\\' && /[ntr \t]/.test(source[at + 1] ?? '')

function skipBlanks(source: string, from: number, quote: string): number {
  let at = from
  for (;;) {
    const before = at
    while (at < source.length && isBlank(source[at]!)) at++
    if (quote === '"') {
      at = skipLineContinuation(source, at)
      if (isBlankEscape(source, at)) at += 2
    }
    if (at === before) return at
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function blankAt(source: string, at: number, decoded: string, i: number, lastVisible: number): number {
  return decoded[i] === source[at] ? at : Math.min(lastVisible, source.length)
}

/** A backslash at the end of a line of a double-quoted scalar joins the lines. */
function skipLineContinuation(source: string, from: number): number {
  let at = from
  while (source[at] === '\\' && (source[at + 1] === '\n' || (source[at + 1] === '\r' && source[at + 2] === '\n'))) {
    at = endOfLine(source, at) + 1
    while (isBlank(source[at] ?? '')) at++
  }
  return at
}

/** How many source characters stand for one UTF-16 unit of the decoded text. */
function sourceLength(source: string, at: number, quote: string, char: string): number {
  if (quote === "'" && source[at] === "'" && source[at + 1] === "'") return 2
  if (quote !== '"' || source[at] !== '\\') return 1
  const kind = source[at + 1]
  if (kind === 'x') return 4
  if (kind === 'u') return 6
  // An astral \U escape stands for two units: the first takes no room, the second the whole escape.
  if (kind === 'U') return char >= '\ud800' && char <= '\udbff' ? 0 : 10
  return 2
}
