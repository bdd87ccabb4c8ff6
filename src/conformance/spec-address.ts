/** Addresses a request of a manifest can go to. */
import { joined, listedTexts, textsOf } from '../apispec/index.ts'
import { parseInserts } from '../connector/index.ts'
import { isObject, type Json, type JsonObject } from '../core/index.ts'
import { HOLE } from './spec-match.ts'

/** Paths of a request, with a hole for everything that depends on data; none where nothing of it stands there as text. */
export function pathsOf({ path, url, for_each }: JsonObject): string[] {
  const text = path ?? url
  if (text === undefined) return ['']
  const pieces = parseInserts(String(text))
  if (!Array.isArray(pieces)) return []
  const known = partitionsOf(for_each)
  const texts = joined(
    pieces.map((piece) => (typeof piece === 'string' ? [piece] : textsOf(piece.source, known, HOLE))),
  )
  return [...new Set(texts.map((one) => plainPath(one, path === undefined)))].filter((one) => one !== null)
}

/** Where a stream is read once per value, and the values are named, they are known. */
function partitionsOf(forEach: Json | undefined): Record<string, string[]> {
  const { values: listed } = (isObject(forEach) ? forEach : {}) as JsonObject
  const values = typeof listed === 'string' ? listedTexts(listed) : null
  return values ? { partition: values } : {}
}

function plainPath(text: string, isUrl: boolean): string | null {
  const bare = (isUrl ? text.replace(/^(https?:\/\/[^/]*|\uFFFC)/, '') : text).split('?')[0]!
  if (bare.replaceAll(HOLE, '') === '' && text !== '') return null
  return bare.startsWith('/') || bare === '' ? bare : `/${bare}`
}

/** What stands before the paths: the path of the base URL, and nothing, for descriptions that leave it out. */
export function prefixesOf(base: Json | undefined): string[] {
  const pieces = parseInserts(String(base ?? ''))
  if (!Array.isArray(pieces)) return ['']
  const joinedText = pieces.map((piece) => (typeof piece === 'string' ? piece : HOLE)).join('')
  const behind = joinedText.replace(/^https?:\/\/[^/]*/, '').replace(/^\uFFFC/, '')
  const inside = pieces
    .flatMap((piece) => (typeof piece === 'string' ? [] : [/["'](\/[\w./-]+)["']/.exec(piece.source)?.[1] ?? '']))
    .filter(Boolean)
  return [...new Set(['', behind.replace(/\/$/, ''), ...inside])]
}
