/** Distinguished names (RFC 4514): taken apart and put together, without a view on what their attributes mean. */

/** `uid=a,ou=b` as its first part and the rest; an escaped comma belongs to a value. */
export function splitName(dn: string): { first: string; parent: string } {
  const comma = /^(?:\\.|[^\\,])*/s.exec(dn)![0].length
  return { first: bare(dn.slice(0, comma)), parent: bare(dn.slice(comma + 1)) }
}

/** Without the spaces around it; one that is escaped belongs to the value. */
const bare = (text: string): string => text.replace(/^ +/, '').replace(/(?<!\\) +$/, '')

/** The attribute and value of a first part; null where it names by several attributes at once (`cn=a+sn=b`) or by bytes. */
export function namingOf(first: string): { attribute: string; value: string } | null {
  const equals = first.indexOf('=')
  const value = bare(first.slice(equals + 1))
  if (equals < 1 || value.startsWith('#') || /^(?:\\.|[^\\+])*\+/s.test(value)) return null
  return { attribute: bare(first.slice(0, equals)), value: unescaped(value) }
}

/**
 * `uid=value`, escaped. Hexadecimal pairs and not `\,`: ldapts cuts a new name at the first comma that has no backslash before it,
 * which goes wrong behind a value that ends in one.
 */
export const namedBy = (attribute: string, value: string): string => `${attribute}=${escaped(value)}`

const escaped = (value: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped.
  value.replace(/[\0-\x1f"+,;<>\\=]|^[ #]| $/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** Pairs stand for bytes, so a run of them is decoded as one text. */
const unescaped = (value: string): string =>
  value.replace(/(?:\\[0-9a-f]{2})+|\\./gis, (found) =>
    /^\\[0-9a-f]{2}/i.test(found) ? Buffer.from(found.replaceAll('\\', ''), 'hex').toString() : found.slice(1),
  )

/** As directories compare most texts, and names: without case and without runs of spaces. */
export const folded = (text: string): string => text.trim().toLowerCase().replace(/\s+/g, ' ')

/** Names compared: without case, and without spaces around their commas. */
export const sameName = (one: string, other: string): boolean => foldedName(one) === foldedName(other)

export const foldedName = (dn: string): string => folded(dn.replace(/\s*(?<!\\),\s*/g, ','))
