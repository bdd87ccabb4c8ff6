/** JSONata's signatures as the checker needs them: what each parameter takes. */
import type { Kind } from './shape.ts'

export type Parameter = {
  /** `null` takes anything. */
  kinds: ReadonlySet<Kind> | null
  /** Of lists: what the items are. */
  items: ReadonlySet<Kind> | null
  optional: boolean
  /** The context stands in where the argument is left out. */
  context: boolean
}

const LETTERS: Record<string, Kind[]> = {
  s: ['string'],
  n: ['number'],
  b: ['boolean'],
  l: ['null'],
  o: ['object'],
  a: ['array'],
  f: ['function'],
}

/** "<s-nn?:s>" → three parameters and what comes out. */
export function readSignature(signature: string): { parameters: Parameter[]; gives: Kind | null } {
  const [inputs = '', output = ''] = splitAtColon(signature.slice(1, -1))
  const parameters: Parameter[] = []
  for (const [, group, letter, items, marks = ''] of inputs.matchAll(
    /(?:\(([^)]*)\)|([a-z]))(<(?:[^<>]|<[^<>]*>)*>)?([-?+]*)/g,
  )) {
    const letters = [...(group ?? letter!).replaceAll(/<[^>]*>/g, '')]
    parameters.push({
      kinds: letters.some((one) => LETTERS[one] === undefined)
        ? null
        : new Set(letters.flatMap((one) => LETTERS[one]!)),
      items: letter === 'a' && items && LETTERS[items[1]!] ? new Set(LETTERS[items[1]!]!) : null,
      optional: marks.includes('?'),
      context: marks.includes('-'),
    })
  }
  return { parameters, gives: LETTERS[output[0]!]?.[0] ?? null }
}

/** Colons inside `<…>` belong to functions that are parameters. */
function splitAtColon(text: string): [string, string] {
  let depth = 0
  for (const [i, char] of [...text].entries()) {
    if (char === '<') depth++
    else if (char === '>') depth--
    else if (char === ':' && depth === 0) return [text.slice(0, i), text.slice(i + 1)]
  }
  return [text, '']
}
