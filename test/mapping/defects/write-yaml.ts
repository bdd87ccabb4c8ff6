/** Writes a mapping as YAML with its expressions in any quoting, and finds the marked place in the text. */
import { type Document, isMap, isScalar, parse, type Scalar, visit, Document as YamlDocument } from 'yaml'
import type { Random } from '../../random.ts'

/** Stands before the defect until the text is written; no mapping contains it. */
export const MARK = '\ue000'

const STYLES = ['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const

export type Written = { text: string; line: number; styles: string }

/** The text and the line of the mark. Tries quotings until the text without the mark means the content without it. */
export function writeYaml(content: Record<string, unknown>, random: Random): Written {
  const wanted = JSON.stringify(content).replaceAll(MARK, '')
  for (let attempt = 0; attempt < 40; attempt++) {
    const document = new YamlDocument(structuredClone(content))
    const styles = dress(document, random, attempt)
    const marked = document.toString({ lineWidth: random.pick([40, 60, 80, 120]), indent: random.pick([2, 4]) })
    const before = marked.indexOf(MARK)
    if (before < 0 || marked.indexOf(MARK, before + 1) >= 0) continue
    const comment = random.chance(0.3) ? '# żółć 😀 comment\n' : ''
    const text = comment + marked.replace(MARK, '')
    if (!sameMeaning(text, wanted)) continue
    const line = text.slice(0, comment.length + before).split('\n').length
    return { text: random.chance(0.2) ? text.replaceAll('\n', '\r\n') : text, line, styles }
  }
  throw new Error(`no quoting carries ${wanted}`)
}

function sameMeaning(text: string, wanted: string): boolean {
  try {
    return JSON.stringify(parse(text)) === wanted
  } catch {
    return false
  }
}

/** Gives every expression a style of its own; the last attempts use double quotes, which carry everything. */
function dress(document: Document, random: Random, attempt: number): string {
  const used = new Set<string>()
  visit(document, {
    Pair(_key, pair) {
      if (
        isScalar(pair.key) &&
        ['from', 'to', 'tests', 'match', 'mode', 'sync', 'field', 'take'].includes(String(pair.key.value))
      )
        return visit.SKIP
      return undefined
    },
    Map(_key, node) {
      // A missing field is reported where its object begins, which is a brace then.
      const marked = node.items.some(({ key }) => isScalar(key) && String(key.value).startsWith(MARK))
      if (!marked && node.items.length < 4 && random.chance(0.2)) node.flow = true
    },
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return
      const style = attempt > 30 ? 'QUOTE_DOUBLE' : random.pick(STYLES)
      used.add(style)
      Object.assign(node as Scalar, { type: style })
    },
  })
  // A file is a block at its top.
  if (isMap(document.contents)) document.contents.flow = false
  return [...used].join(' ')
}

/** Breaks an expression over lines, between its tokens. */
export function broken(expression: string, random: Random): string {
  if (!random.chance(0.35)) return expression
  // Quoted text keeps its blanks.
  return expression.replaceAll(/"[^"]*"|'[^']*'| /g, (token) => (token === ' ' && random.chance(0.4) ? '\n' : token))
}
