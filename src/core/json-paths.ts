/** Parts of a JSON value by path. A path is a list of names; it goes through lists, and an empty one is the whole value. */
import { isObject, type Json, type JsonObject, setOwn } from './json.ts'

export type JsonPaths = readonly (readonly string[])[]

/** Without paths that lead into what another one has as a whole. */
export function widestPaths(paths: JsonPaths): JsonPaths {
  const kept: (readonly string[])[] = []
  for (const path of [...paths].sort((a, b) => a.length - b.length))
    if (!kept.some((other) => other.every((name, i) => path[i] === name))) kept.push(path)
  return kept
}

/** The value with what the paths lead to and nothing else. What lies beside a path goes, what it goes through stays. */
export function keepPaths(value: Json, paths: JsonPaths): Json {
  if (paths.some((path) => path.length === 0)) return value
  if (Array.isArray(value)) return value.map((item) => keepPaths(item, paths))
  if (!isObject(value)) return value
  const object: JsonObject = value
  const kept: JsonObject = {}
  for (const [name, below] of Map.groupBy(paths, (path) => path[0]!))
    if (Object.hasOwn(object, name))
      setOwn(
        kept,
        name,
        keepPaths(
          object[name]!,
          below.map((path) => path.slice(1)),
        ),
      )
  return kept
}

/** The scalars in a value by dotted path, which goes through lists; a path to an empty list or object, or to null, has none. */
export function leavesOfJson(value: Json, path = '', found = new Map<string, Json[]>()): Map<string, Json[]> {
  if (isObject(value) && (path === '' || Object.keys(value).length > 0)) {
    for (const [name, item] of Object.entries(value)) leavesOfJson(item, path === '' ? name : `${path}.${name}`, found)
    return found
  }
  if (!found.has(path)) found.set(path, [])
  if (Array.isArray(value)) {
    // A list of objects has no values of its own.
    if (value.some((item) => isObject(item)) && found.get(path)!.length === 0) found.delete(path)
    for (const item of value) leavesOfJson(item, path, found)
  } else if (value !== null && !isObject(value)) found.get(path)!.push(value)
  return found
}
