/** Where in a mapping something can be planted: its expressions, the names they read, the fields they fill. */
import type { CheckedStream } from '../../../src/mapping/index.ts'
import type { Random } from '../../random.ts'
import type { Planted } from './corpus.ts'

export type Schema = Record<string, unknown>
type Path = (string | number)[]

/** An expression of `map`, with the schema of the field it fills and of the object that holds it. */
export type Leaf = { path: Path; source: string; schema: Schema | undefined; parent: Schema | undefined }

export const propertiesOf = (schema: unknown): Record<string, Schema> =>
  ((schema as Schema | undefined)?.properties ?? {}) as Record<string, Schema>
export const typesOf = (schema: unknown): string[] =>
  [((schema as Schema | undefined)?.type as string | string[]) ?? []].flat()
const itemsOf = (schema: unknown): Schema | undefined => (schema as Schema | undefined)?.items as Schema | undefined

export function templatePath({ content }: Planted): Path {
  return content.each ? ['each', 'map'] : ['map']
}

export function leaves(planted: Planted): Leaf[] {
  const found: Leaf[] = []
  const walk = (value: unknown, path: Path, schema: Schema | undefined, parent: Schema | undefined): void => {
    if (typeof value === 'string') found.push({ path, source: value, schema, parent })
    else if (Array.isArray(value))
      for (const [i, item] of value.entries()) walk(item, [...path, i], itemsOf(schema), undefined)
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) walk(item, [...path, key], propertiesOf(schema)[key], schema)
  }
  const path = templatePath(planted)
  walk(at(planted.content, path), path, planted.systems.to.writeSchema, undefined)
  return found
}

/** All expressions: those of fields, and the ones that choose records, items and keys. */
export function expressions(planted: Planted): { path: Path; source: string }[] {
  const { content } = planted
  const joins = Object.entries((content.with ?? {}) as Record<string, { key: string }>)
  return [
    ...leaves(planted),
    ...(typeof content.when === 'string' ? [{ path: ['when'], source: content.when }] : []),
    ...joins.map(([name, { key }]) => ({ path: ['with', name, 'key'], source: key })),
  ]
}

export function at(content: unknown, path: Path): unknown {
  return path.reduce((value, step) => (value as Record<string | number, unknown>)[step], content)
}

export function put(content: Record<string, unknown>, path: Path, value: unknown): Record<string, unknown> {
  const copy = structuredClone(content)
  const holder = at(copy, path.slice(0, -1)) as Record<string | number, unknown>
  holder[path.at(-1)!] = value
  return copy
}

/** Keys in their order, one of them renamed or left out. */
export function rekeyed(
  content: Record<string, unknown>,
  path: Path,
  rename: (key: string) => string | undefined,
): Record<string, unknown> {
  const entries = Object.entries(at(content, path) as Record<string, unknown>).flatMap(([key, value]) => {
    const name = rename(key)
    return name === undefined ? [] : [[name, value] as const]
  })
  return put(content, path, Object.fromEntries(entries))
}

/** Fields of the source by path, as far as objects go; `lines.product` with `listed`. */
export function sourceFields({ readSchema }: CheckedStream, listed = false): { path: string; schema: Schema }[] {
  const walk = (schema: unknown, prefix: string): { path: string; schema: Schema }[] =>
    Object.entries(propertiesOf(schema)).flatMap(([name, field]) => {
      const items = itemsOf(field)
      const below =
        listed && items
          ? walk(items, `${prefix}${name}.`)
          : typesOf(field).includes('object')
            ? walk(field, `${prefix}${name}.`)
            : []
      return [{ path: `${prefix}${name}`, schema: field }, ...below]
    })
  return walk(readSchema, '')
}

const TOKENS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\$?[A-Za-z_]\w*/g

/** Names, variables and functions with their offsets; text between quotes is none of them. */
export function tokens(source: string): { token: string; offset: number }[] {
  return [...source.matchAll(TOKENS)]
    .filter(([token]) => !/^["'`]/.test(token))
    .map((match) => ({ token: match[0], offset: match.index }))
}

/** One slip of the fingers. */
export function misspelt(name: string, random: Random): string {
  const i = 1 + random.between(0, name.length - 3)
  const slips = [
    () => name.slice(0, i) + name[i + 1] + name[i] + name.slice(i + 2),
    () => name.slice(0, i) + name.slice(i + 1),
    () => name.slice(0, i) + name[i] + name.slice(i),
    () => `${name.slice(0, i)}q${name.slice(i + 1)}`,
  ]
  for (const slip of random.shuffled(slips)) if (slip() !== name) return slip()
  return `${name}q`
}
