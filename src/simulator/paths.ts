/** Values at dotted paths (`properties.email`) of records. A dot that belongs to a name has a backslash before it. */

export type Item = { [key: string]: unknown }

export const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Paths are few and asked often. */
const split = new Map<string, string[]>()

export function stepsOf(path: string): string[] {
  const known = split.get(path)
  if (known) return known
  const steps = path.split(/(?<!\\)\./).map((step) => step.replaceAll('\\.', '.'))
  split.set(path, steps)
  return steps
}

/** A member's name as a step of a path. */
export const stepOf = (name: string): string => name.replaceAll('.', '\\.')

/** The value at a path; a step over a list looks into its first item that has it. */
export function at(value: unknown, path: string): unknown {
  let found: unknown = value
  for (const step of stepsOf(path)) {
    if (Array.isArray(found)) found = found.find((item) => isItem(item) && step in item)
    if (!isItem(found)) return undefined
    found = found[step]
  }
  return found
}

export function put(record: Item, path: string, value: unknown): void {
  const steps = stepsOf(path)
  let target = record
  for (const step of steps.slice(0, -1)) {
    if (!isItem(target[step])) target[step] = {}
    target = target[step] as Item
  }
  target[steps.at(-1)!] = value
}

/** `patch` over `record`: objects are merged, everything else is replaced. */
export function merged(record: Item, patch: Item): Item {
  const result: Item = { ...record }
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key]
    result[key] = isItem(value) && isItem(before) ? merged(before, value) : value
  }
  return result
}

/** Every path that leads to a value, with the value; lists and empty objects are values. */
export function leaves(value: unknown, prefix = ''): [string, unknown][] {
  if (!isItem(value) || Object.keys(value).length === 0) return [[prefix, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, prefix ? `${prefix}.${stepOf(key)}` : stepOf(key)))
}
