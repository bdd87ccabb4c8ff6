import { createHash } from 'node:crypto'
import type { DocumentedFunction } from './documented.ts'

/** Letters that Unicode does not take apart into a base letter and a mark. */
const WHOLE_LETTERS: Record<string, string> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ħ: 'h',
}

/** Lower-case ASCII words joined by hyphens: "Żółta Łódź & Co." → "zolta-lodz-co". */
function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[łøđðþßæœıħ]/g, (letter) => WHOLE_LETTERS[letter]!)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

export const textFunctions: Record<string, DocumentedFunction> = {
  slug: {
    usage: '$slug(text)',
    sense: 'Lower-case ASCII words joined by hyphens.',
    examples: [['$slug("Żółta Łódź & Co.")', 'zolta-lodz-co']],
    signature: '<s-:s>',
    implementation: (text?: string) => (text === undefined ? undefined : slug(text)),
  },
  sha256: {
    usage: '$sha256(text)',
    sense: 'SHA-256 of the UTF-8 bytes, in hex.',
    examples: [['$substring($sha256("a"), 0, 8)', 'ca978112']],
    signature: '<s-:s>',
    implementation: (text?: string) =>
      text === undefined ? undefined : createHash('sha256').update(text).digest('hex'),
  },
}
