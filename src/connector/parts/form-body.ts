/** Reads `application/x-www-form-urlencoded` bodies whose names nest with brackets, the counterpart of `formOf`. */
import { isObject, type Json, type JsonObject, setOwn } from '../../core/index.ts'

/** Deeper names than any system sends; what lies below stays one name. */
const DEEPEST = 8

/**
 * `contact[email]=a@example.com&tags[]=x&tags[]=y` as `{ contact: { email }, tags: [x, y] }`. All values are texts. Numbered
 * names (`fields[0][id]`) become a list in the order they came; a name that comes twice keeps its last value.
 */
export function parseForm(text: string): JsonObject {
  const form: JsonObject = {}
  for (const [name, value] of new URLSearchParams(text)) place(form, segmentsOf(name), value)
  return withLists(form) as JsonObject
}

function segmentsOf(name: string): string[] {
  const start = name.indexOf('[')
  if (start <= 0 || !name.endsWith(']')) return [name]
  const inner = name.slice(start + 1, -1).split('][')
  return inner.length < DEEPEST ? [name.slice(0, start), ...inner] : [name]
}

function place(form: JsonObject, segments: string[], value: string): void {
  let at = form
  for (const segment of segments.slice(0, -1)) {
    const below = Object.hasOwn(at, segment) ? at[segment] : undefined
    const next = isObject(below) ? (below as JsonObject) : {}
    if (next !== below) setOwn(at, segment, next)
    at = next
  }
  const last = segments.at(-1)!
  setOwn(at, last === '' ? String(Object.keys(at).length) : last, value)
}

function withLists(value: Json): Json {
  if (!isObject(value)) return value
  const entries = Object.entries(value as JsonObject)
  const numbered = entries.length > 0 && entries.every(([name], index) => name === String(index))
  if (numbered) return entries.map(([, item]) => withLists(item))
  const made: JsonObject = {}
  for (const [name, item] of entries) setOwn(made, name, withLists(item))
  return made
}
