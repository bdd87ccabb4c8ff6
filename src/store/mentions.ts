/** Whether a text that a system sent holds a value, however that system spells it. */

/** What every spelling leaves as it is: by this the database finds candidates. Empty where the value has no such part. */
export const plainPartOf = (value: string): string =>
  (value.match(/[A-Za-z0-9]+/g) ?? []).reduce((longest, part) => (part.length > longest.length ? part : longest), '')

/**
 * True where the value stands in the text by itself: raw, or as JSON, a form or XML write it. Inside a longer word or number it is another
 * value: `42` is not in `1425`, nor `ada@example.com` in `kada@example.com`.
 */
export function mentions(text: string, value: string): boolean {
  return SPELLINGS.some((plain) => standsIn(plain(text), value))
}

const SPELLINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) =>
    text.replace(/\\(?:u([0-9a-f]{4})|([\\"/]))/gi, (_whole, code: string | undefined, itself: string | undefined) =>
      code === undefined ? itself! : String.fromCharCode(Number.parseInt(code, 16)),
    ),
  (text) => text.replaceAll('+', ' ').replace(/(?:%[0-9a-f]{2})+/gi, percentDecoded),
  (text) =>
    text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (whole, decimal, hex, name) =>
      name === undefined ? characterOf(decimal ?? `0x${hex}`, whole) : ENTITIES[String(name).toLowerCase()]!,
    ),
]

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function characterOf(code: string, otherwise: string): string {
  const number = Number(code)
  return number <= 0x10ffff ? String.fromCodePoint(number) : otherwise
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const WORD = /[\p{L}\p{N}]/u

function standsIn(text: string, value: string): boolean {
  if (value === '') return false
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    const [first, last] = [value[0]!, value.at(-1)!]
    const before = text[at - 1] ?? ''
    const behind = text[at + value.length] ?? ''
    if (!(WORD.test(first) && WORD.test(before)) && !(WORD.test(last) && WORD.test(behind))) return true
  }
  return false
}
