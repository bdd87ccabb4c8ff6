/**
 * What stands under the cursor of a mapping file. Works on lines and indentation, not on parsed YAML: while somebody types, the
 * file is mostly no valid YAML at all.
 */

/** An expression: its path in the file, its text as far as it stands on the line, and where in it the cursor is. */
export type ExpressionCursor = { kind: 'expression'; path: string[]; before: string; after: string }
/** A key that is being written below `path`. */
type KeyCursor = { kind: 'key'; path: string[]; before: string; siblings: string[] }
type Cursor = ExpressionCursor | KeyCursor | null

const KEY = /^(\s*)(?:- )?(["']?)([\w.-]+)\2\s*:(?:\s+(.*)|\s*)$/
const indentOf = (line: string): number => line.length - line.trimStart().length

export function cursorAt(text: string, line: number, column: number): Cursor {
  const lines = text.split(/\r?\n/)
  const current = lines[line] ?? ''
  const left = current.slice(0, column)
  const key = KEY.exec(current)
  const colon = key ? current.indexOf(':', key[1]!.length) : -1
  if (key && column > colon) {
    const path = [...parentsOf(lines, line, indentOf(current)), key[3]!]
    return isExpression(path) ? expression(path, left.slice(colon + 1).trimStart(), current.slice(column)) : null
  }
  const block = blockAbove(lines, line)
  if (block) return isExpression(block) ? expression(block, left.trimStart(), current.slice(column)) : null
  if (!/^\s*[\w.-]*$/.test(left)) return null
  const path = parentsOf(lines, line, indentOf(current) || column)
  return {
    kind: 'key',
    path,
    before: left.trim(),
    siblings: siblingsOf(lines, line, path.length ? indentOf(current) || column : 0),
  }
}

/** Quotes of YAML around an expression are not part of it. */
const expression = (path: string[], before: string, after: string): ExpressionCursor => ({
  kind: 'expression',
  path,
  before: before.replace(/^["']/, ''),
  after,
})

/** The keys a line stands below, outermost first. */
function parentsOf(lines: readonly string[], line: number, indent: number): string[] {
  const path: string[] = []
  let least = indent
  for (let at = line - 1; at >= 0 && least > 0; at--) {
    const above = lines[at]!
    if (above.trim() === '' || above.trimStart().startsWith('#')) continue
    const key = KEY.exec(above)
    if (!key || indentOf(above) >= least) continue
    path.unshift(key[3]!)
    least = indentOf(above)
  }
  return path
}

/** The path of the block scalar (`|`, `>`) this line belongs to. */
function blockAbove(lines: readonly string[], line: number): string[] | undefined {
  const indent = indentOf(lines[line] ?? '')
  for (let at = line - 1; at >= 0; at--) {
    const above = lines[at]!
    if (above.trim() === '' || indentOf(above) >= indent) continue
    const key = KEY.exec(above)
    if (!key || !/^[|>][+-]?\d*\s*$/.test(key[4] ?? '')) return undefined
    return [...parentsOf(lines, at, indentOf(above)), key[3]!]
  }
  return undefined
}

function siblingsOf(lines: readonly string[], line: number, indent: number): string[] {
  const found: string[] = []
  for (const step of [-1, 1])
    for (let at = line + step; at >= 0 && at < lines.length; at += step) {
      const other = lines[at]!
      if (other.trim() === '') continue
      if (indentOf(other) < indent) break
      const key = KEY.exec(other)
      if (key && indentOf(other) === indent) found.push(key[3]!)
    }
  return found
}

/** Whether the texts at a path of a mapping file are JSONata. */
function isExpression([head, second, third]: string[]): boolean {
  if (['when', 'map', 'back', 'back_when'].includes(head!)) return true
  if (head === 'each') return second === 'of' || second === 'key' || second === 'map'
  return head === 'with' && second !== undefined && third === 'key'
}

/** The name, variable, function or path that ends at the cursor of an expression. */
export const wordBefore = (before: string): string =>
  /(\$\$|\$[\w]*|[A-Za-z_][\w]*)?(\.[\w]*)*$/.exec(before)?.[0] ?? ''

/** The same with what follows the cursor, for a hover. */
export const wordAround = (before: string, after: string): string =>
  wordBefore(before) + (/^\w*/.exec(after)?.[0] ?? '')
