/** Which operation of a description a request is. */
import { type ApiDocument, isAnnotation, namesOf, type Operation, typeOfSchema } from '../apispec/index.ts'

/** Stands where an insert of a template was: any text. */
export const HOLE = '\uFFFC'

/**
 * The operation a request is. Besides its own path it may be described elsewhere: an item that is addressed by a path
 * (`items/1:/a/b:/content`) as an item by id, a function that is bound to a type behind another path to that type, and a set
 * behind its company or tenant by its own name.
 */
export function operationFor(
  document: ApiDocument,
  method: string,
  prefixes: string[],
  path: string,
): Operation | null {
  const asked = prefixes.flatMap((prefix) => [prefix + path, ...behind(prefix, path)])
  const byId = asked.map((one) => one.replace(/:\/[^/]*:(?=\/|$)/g, ''))
  return (
    bestOf(document, method, asked) ??
    bestOf(document, method, byId) ??
    boundTo(document, method, byId) ??
    (document.ofSets ? bestOf(document, method, byId.map(lastStep)) : null)
  )
}

/** A path as it was sent, without what stands before those of the manifest. */
function behind(prefix: string, path: string): string[] {
  const found = prefix.includes(HOLE) ? patternOf(`${prefix}/${HOLE}`, new RegExp(HOLE, 'g')).exec(path) : null
  const steps = prefix.split('/').length
  return found || (prefix && path.startsWith(`${prefix}/`)) ? [`/${path.split('/').slice(steps).join('/')}`] : []
}

const lastStep = (path: string): string => `/${path.split('/').at(-1)}`

/** The operation whose path fits best: the one with the most steps that are the same text. */
function bestOf(document: ApiDocument, method: string, asked: string[]): Operation | null {
  const wanted = asked.map(stepsOf)
  let best: { operation: Operation; score: number } | null = null
  for (const operation of document.operations) {
    if (operation.method !== method) continue
    for (const described of waysTo(operation, document))
      for (const one of wanted) {
        const score = scoreOf(one, described)
        if (score !== null && (best === null || score > best.score)) best = { operation, score }
      }
  }
  return best?.operation ?? null
}

/** Steps of the paths at which an operation can be reached, taken apart once: descriptions have thousands of them. */
function waysTo(operation: Operation, { prefixes }: ApiDocument): string[][] {
  const known = ways.get(operation)
  if (known) return known
  const made = (operation.prefixes ?? prefixes).map((prefix) => stepsOf(prefix + operation.path))
  ways.set(operation, made)
  return made
}
const ways = new WeakMap<Operation, string[][]>()

/** `drives/1/root/delta` where `drives/{id}/items/{item}/delta()` is described, and both lead to the same type. */
function boundTo(document: ApiDocument, method: string, asked: string[]): Operation | null {
  for (const path of asked) {
    const name = path.split('/').at(-1)!
    const of = bestOf(document, 'GET', [path.slice(0, -name.length - 1)])?.answer?.$ref
    if (of === undefined || name.includes(HOLE)) continue
    const bound = document.operations.find((one) => {
      if (one.method !== method || !isBound(one.path) || stepsOf(one.path).at(-1) !== name) return false
      const owner = one.path.slice(0, one.path.lastIndexOf('/'))
      return document.operations.some(
        (other) => other.method === 'GET' && other.path === owner && other.answer?.$ref === of,
      )
    })
    if (bound) return bound
  }
  return null
}

/** Functions and actions of OData: `delta()`, `microsoft.graph.copy`. */
const isBound = (path: string): boolean => /\(\)$|\/\w+\.\w+\.\w+(\([^)]*\))?$/.test(path)

/** How well two paths fit, step by step; null where they do not. */
function scoreOf(asked: string[], described: string[]): number | null {
  if (asked.length !== described.length) return null
  let score = 0
  for (const [index, step] of asked.entries()) {
    const other = described[index]!
    if (step === other) score += 3
    else if (other.includes('{') && patternOf(other, /\{[^}]*\}/g).test(step)) score += 2
    // A step that is inserted may be any of the described ones.
    else if (step.includes(HOLE) && patternOf(step, new RegExp(HOLE, 'g')).test(other)) score += 1
    else return null
  }
  return score
}

/** Without what is a matter of spelling: the namespace of a function, its brackets without arguments, and the format as a suffix. */
const stepsOf = (path: string): string[] =>
  path
    .replace(/\/+$/, '')
    .replace(/\.(json|xml)$/, '')
    .replace(/\(\)/g, '')
    .replace(/\/[a-zA-Z]\w*\.\w+\.(?=[a-zA-Z])/g, '/')
    .split('/')

/** Whether an operation takes a query parameter. `filter[name]` and `ids[]` are written in many ways. */
export function takesParameter({ parameters }: Operation, name: string, lookup: Operation['lookup']): boolean {
  // Given out by the service in its links, and never described; annotations of OData may stand in the query too.
  if (/^\$(skip|delta)token$/.test(name) || isAnnotation(name)) return true
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
