/** Forms of text in which two systems agree although they write differently. */

/** Letters that Unicode does not take apart into a base letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
}

/** Lower case, without accents, one blank between words, nothing but letters and digits. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[łøđðþßæœı]/g, (letter) => LETTERS[letter]!)
    .replace(/['’`]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

export const wordsOf = (folded: string): string[] => (folded === '' ? [] : folded.split(' '))

/** Umlauts are written as one letter or as two; which is told by neither, so both become the one letter. */
export const withoutDigraphs = (word: string): string => word.replace(/([aou])e+/g, '$1')
