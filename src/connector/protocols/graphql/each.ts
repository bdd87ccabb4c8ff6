/** One document with the same mutation many times, each under an alias. */
import { CausewayError, isObject, type Json, type JsonObject } from '../../../core/index.ts'

const ALIAS = /^i(\d+)$/

/** The document and its variables for a list of items, each of which gives the values of the variables by name. */
export function repeated(
  each: string,
  types: string | undefined,
  items: Json[],
): { query: string; variables: JsonObject } {
  const declared = typesOf(types ?? '')
  const variables: JsonObject = {}
  const fields = items.map((item, index) => {
    if (!isObject(item))
      throw new CausewayError('CSW-2007', {
        what: 'An item of a batch with `each` is no mapping of variables.',
        fix: `Write \`item: { input: "\${ values }" }\`.`,
      })
    for (const [name, value] of Object.entries(item)) variables[`${name}_${index}`] = value as Json
    return `i${index}: ${suffixed(each, declared, index)}`
  })
  const heads = items.flatMap((_, index) => [...declared].map(([name, type]) => `$${name}_${index}: ${type}`))
  return { query: `mutation${heads.length ? ` (${heads.join(', ')})` : ''} { ${fields.join(' ')} }`, variables }
}

/** `$input: ContactInput!, $id: ID!` by name. */
const typesOf = (types: string): Map<string, string> =>
  new Map(
    [...types.matchAll(/\$(\w+)\s*:\s*([\w![\]\s]+?)\s*(?=,|\$|$)/g)].map(([, name, type]) => [name!, type!.trim()]),
  )

/** Variables get the number of their item; quoted texts stay as they are. */
const suffixed = (each: string, declared: ReadonlyMap<string, string>, index: number): string =>
  each.replace(/"(?:[^"\\]|\\.)*"|\$(\w+)/g, (found, name?: string) =>
    name !== undefined && declared.has(name) ? `$${name}_${index}` : found,
  )

type GraphError = { message?: Json; path?: Json; extensions?: Json }

/** What the answer says of each item, and the errors that are about none of them. */
export function perItem(data: Json | undefined, errors: GraphError[]): { results: JsonObject[]; others: GraphError[] } {
  const own = new Map<number, GraphError[]>()
  const others: GraphError[] = []
  for (const error of errors) {
    const alias = Array.isArray(error.path) ? ALIAS.exec(String(error.path[0])) : null
    if (!alias) others.push(error)
    else own.set(Number(alias[1]), [...(own.get(Number(alias[1])) ?? []), error])
  }
  const answered = isObject(data) ? (data as JsonObject) : {}
  const numbers = new Set([
    ...own.keys(),
    ...Object.keys(answered)
      .flatMap((name) => ALIAS.exec(name)?.[1] ?? [])
      .map(Number),
  ])
  const results = [...numbers]
    .sort((a, b) => a - b)
    .flatMap((index): JsonObject[] => {
      const value = answered[`i${index}`] ?? null
      const failed = own.get(index)
      // Neither a value nor an error: where nulls spread upwards, nobody knows whether it was done.
      if (value === null && !failed) return []
      return [{ index, data: value, ...(failed ? { errors: failed as unknown as Json } : {}) }]
    })
  return { results, others }
}
