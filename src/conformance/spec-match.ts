/** Which operation of a description a request is. */
import { type ApiDocument, namesOf, type Operation, typeOfSchema } from '../apispec/index.ts'

/** Stands where an insert of a template was: any text. */
export const HOLE = '\uFFFC'

/** The operation whose path fits best: the one with the most steps that are the same text. */
export function operationFor(
  document: ApiDocument,
  method: string,
  prefixes: string[],
  path: string,
): Operation | null {
  const asked = prefixes.map((prefix) => (prefix + path).replace(/\/+$/, '') || '/')
  let best: { operation: Operation; score: number } | null = null
  for (const operation of document.operations) {
    if (operation.method !== method) continue
    for (const prefix of operation.prefixes ?? document.prefixes)
      for (const one of asked) {
        const score = scoreOf(one, (prefix + operation.path).replace(/\/+$/, '') || '/')
        if (score !== null && (best === null || score > best.score)) best = { operation, score }
      }
  }
  return best?.operation ?? null
}

/** How well two paths fit, step by step; null where they do not. */
function scoreOf(asked: string, described: string): number | null {
  const [left, right] = [stepsOf(asked), stepsOf(described)]
  if (left.length !== right.length) return null
  let score = 0
  for (const [index, step] of left.entries()) {
    const other = right[index]!
    if (step === other) score += 3
    else if (patternOf(other, /\{[^}]*\}/g).test(step)) score += 2
    // A step that is inserted may be any of the described ones.
    else if (step.includes(HOLE) && patternOf(step, new RegExp(HOLE, 'g')).test(other)) score += 1
    else return null
  }
  return score
}

/** Without what is a matter of spelling: a function without arguments, and the format as a suffix. */
const stepsOf = (path: string): string[] =>
  path
    .replace(/\.(json|xml)$/, '')
    .replace(/\(\)/g, '')
    .split('/')

/** Whether an operation takes a query parameter. `filter[name]` and `ids[]` are written in many ways. */
export function takesParameter({ parameters }: Operation, name: string, lookup: Operation['lookup']): boolean {
  const bare = bareName(name)
  return parameters.some((one) => {
    if (one.in !== 'query') return false
    if (one.name === name || bareName(one.name) === bare) return true
    if (!one.spread || one.schema === undefined) return false
    const type = typeOfSchema(one.schema, lookup)
    return type.kind === 'schema' && (namesOf(type).includes(name) || Boolean(type.schema.additionalProperties))
  })
}

export const bareName = (name: string): string => name.replace(/\[.*$/, '')

const patternOf = (text: string, hole: RegExp): RegExp =>
  new RegExp(
    `^${text
      .split(hole)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.+')}$`,
  )
