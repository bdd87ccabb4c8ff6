// C0 and C1 controls, line and paragraph separators, and characters that turn the direction of text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this is about.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * Text of other systems as a terminal may show it: escape sequences would recolour, overwrite or rename its lines. Visible
 * escapes take their place.
 */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (char) =>
    char === '\n' ? '⏎' : char === '\t' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
