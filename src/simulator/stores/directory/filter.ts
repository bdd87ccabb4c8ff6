/** Filters of searches (RFC 4511, 4.5.1.7), decoded and applied without the library that connectors encode them with. */
import type { BerReader } from 'ldapts'

export type DirectoryEntry = { dn: string; attributes: Record<string, string[]> }
export type Filter = (entry: DirectoryEntry) => boolean

const TAG = { and: 0xa0, or: 0xa1, not: 0xa2, equal: 0xa3, substrings: 0xa4, least: 0xa5, most: 0xa6, present: 0x87 }

/** Reads one filter. Throws at kinds that no connector sends (approximate and extensible matches). */
export function readFilter(reader: BerReader): Filter {
  const tag = reader.peek()
  if (tag === TAG.present) {
    const name = reader.readString(TAG.present) ?? ''
    return (entry) => valuesOf(entry, name).length > 0
  }
  reader.readSequence()
  const end = reader.offset + reader.length
  switch (tag) {
    case TAG.and:
    case TAG.or: {
      const parts: Filter[] = []
      while (reader.offset < end) parts.push(readFilter(reader))
      return tag === TAG.and
        ? (entry) => parts.every((fits) => fits(entry))
        : (entry) => parts.some((fits) => fits(entry))
    }
    case TAG.not: {
      const fits = readFilter(reader)
      return (entry) => !fits(entry)
    }
    case TAG.equal:
      return comparison(reader, (held, asked) => held === asked)
    case TAG.least:
      return comparison(reader, (held, asked) => held >= asked)
    case TAG.most:
      return comparison(reader, (held, asked) => held <= asked)
    case TAG.substrings:
      return substrings(reader)
    default:
      throw new Error(`a filter of kind ${tag?.toString(16)} is not understood`)
  }
}

function comparison(reader: BerReader, holds: (held: string, asked: string) => boolean): Filter {
  const name = reader.readString() ?? ''
  const asked = folded(reader.readString() ?? '')
  return (entry) => valuesOf(entry, name).some((value) => holds(folded(value), asked))
}

/** `initial*any*final`, each with a tag of its own (0x80 to 0x82). */
function substrings(reader: BerReader): Filter {
  const name = reader.readString() ?? ''
  reader.readSequence()
  const end = reader.offset + reader.length
  const parts: { tag: number; text: string }[] = []
  while (reader.offset < end) {
    const tag = reader.peek()!
    parts.push({ tag, text: folded(reader.readString(tag) ?? '') })
  }
  return (entry) => valuesOf(entry, name).some((value) => inOrder(folded(value), parts))
}

function inOrder(value: string, parts: { tag: number; text: string }[]): boolean {
  let from = 0
  for (const { tag, text } of parts) {
    const at = tag === 0x82 ? value.length - text.length : value.indexOf(text, from)
    if (at < from || (tag === 0x80 && at !== 0) || !value.startsWith(text, at)) return false
    from = at + text.length
  }
  return true
}

/** Attribute names are compared without case. */
const valuesOf = ({ attributes }: DirectoryEntry, name: string): string[] =>
  Object.entries(attributes).flatMap(([own, values]) => (own.toLowerCase() === name.toLowerCase() ? values : []))

/** As most attributes compare (caseIgnoreMatch), and times without a fraction of zero. */
const folded = (text: string): string =>
  text
    .trim()
    .replace(/ +/g, ' ')
    .toLowerCase()
    .replace(/^(\d{14})\.0+z$/, '$1z')
