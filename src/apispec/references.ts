/** References of an API description, also into files beside it. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isObject, parseYamlData } from '../core/index.ts'
import type { Lookup, RawSchema } from './schema.ts'

type Raw = Record<string, unknown>

/**
 * Looks references up in a document and in the files it points to. References of those files are made absolute when they are
 * read, so that each leads on from where it stands. Files elsewhere in the network are not fetched: nothing is known of them.
 */
export function lookupIn(raw: Raw, file: string): Lookup {
  const files = new Map<string, Raw | null>()
  const whole = anchored(raw, file, '') as Raw
  const documentOf = (path: string): Raw | null => {
    if (path === '') return whole
    if (!files.has(path)) files.set(path, read(path))
    return files.get(path)!
  }
  const lookup: Lookup = (reference) => {
    const [path = '', pointer = ''] = reference.split('#', 2)
    return pointed(documentOf(path), pointer, (next) => lookup(next))
  }
  const kinds = heirsIn(whole)
  lookup.heirs = (reference) => kinds.get(reference) ?? []
  return lookup
}

/** The document as it is read: with references to other files made absolute. */
export const anchored = (value: unknown, file: string, self: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => anchored(item, file, self))
  if (!isObject(value as never)) return value
  return Object.fromEntries(
    Object.entries(value as Raw).map(([name, inner]) => [
      name,
      name === '$ref' && typeof inner === 'string' ? absolute(inner, file, self) : anchored(inner, file, self),
    ]),
  )
}

function absolute(reference: string, file: string, self: string): string {
  if (reference.startsWith('#')) return self + reference
  if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) return reference
  const [path = '', pointer = ''] = reference.split('#', 2)
  return `${resolve(dirname(file), unescaped(path))}#${pointer}`
}

function read(path: string): Raw | null {
  if (!/\.(json|ya?ml)$/i.test(path)) return null
  try {
    const found = anchored(parseYamlData(readFileSync(path, 'utf8')), path, path)
    return isObject(found as never) ? (found as Raw) : null
  } catch {
    return null
  }
}

/** What a JSON pointer stands for, or the name of an anchor; on the way it may meet references. */
function pointed(document: Raw | null, pointer: string, follow: Lookup): RawSchema | undefined {
  if (pointer !== '' && !pointer.startsWith('/')) return withAnchor(document, pointer)
  let found: unknown = document
  for (const step of pointer.split('/').slice(1)) {
    const name = unescaped(step)
    if (isObject(found as never) && typeof (found as Raw).$ref === 'string' && !Object.hasOwn(found as Raw, name))
      found = follow((found as Raw).$ref as string)
    found = isObject(found as never) || Array.isArray(found) ? (found as Raw)[name] : undefined
  }
  return isObject(found as never) ? (found as RawSchema) : undefined
}

/** The schema that names itself by an anchor, as JSON Schema allows since 2019. */
function withAnchor(value: unknown, name: string): RawSchema | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ((value as Raw).$anchor === name) return value as RawSchema
  for (const inner of Object.values(value)) {
    const found = withAnchor(inner, name)
    if (found) return found
  }
  return undefined
}

function unescaped(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** Schemas that build on another one, by reference to that one: its kinds, where a discriminator tells them apart. */
function heirsIn(raw: Raw): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const add = (base: string, heir: string) => {
    const known = found.get(base) ?? []
    if (base !== heir && !known.includes(heir)) found.set(base, [...known, heir])
  }
  const components = (raw.components as Raw | undefined)?.schemas
  for (const [place, schemas] of [
    ['#/components/schemas/', components],
    ['#/definitions/', raw.definitions],
  ] as const)
    for (const [name, schema] of Object.entries((schemas ?? {}) as Record<string, RawSchema>)) {
      for (const part of schema?.allOf ?? []) if (part.$ref !== undefined) add(part.$ref, place + name)
      const { mapping } = (schema?.discriminator ?? {}) as { mapping?: Record<string, string> }
      for (const target of Object.values(mapping ?? {}))
        add(place + name, target.includes('#') ? target : place + target)
    }
  return found
}
