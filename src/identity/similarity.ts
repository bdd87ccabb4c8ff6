import { editDistance } from '../core/index.ts'

/** How alike two words are: 1 the same, 0 nothing in common. An initial stands for any word that begins with it. */
function wordLikeness(a: string, b: string): number {
  if (a === b) return 1
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (short.length === 1) return long.startsWith(short) ? INITIAL : 0
  return 1 - editDistance(a, b) / long.length
}

const INITIAL = 0.85
/** A word that the other side does not have (a second first name, a title) says little, but not nothing. */
const SURPLUS = 0.96

/**
 * How alike two sets of words are, in whatever order: each word of the shorter side is held against the word of the other that
 * is most like it, none twice. `least` is the pair that is least alike, `mean` weighs words by their length.
 */
export function wordsLikeness(a: readonly string[], b: readonly string[]): { mean: number; least: number } {
  const [few, many] = a.length <= b.length ? [a, b] : [b, a]
  if (!few.length) return { mean: 0, least: 0 }
  const pairs = few
    .flatMap((word, i) => many.map((other, j) => ({ i, j, likeness: wordLikeness(word, other), length: word.length })))
    .sort((x, y) => y.likeness - x.likeness)
  const takenHere = new Set<number>()
  const takenThere = new Set<number>()
  let sum = 0
  let lengths = 0
  let least = 1
  for (const { i, j, likeness, length } of pairs) {
    if (takenHere.has(i) || takenThere.has(j)) continue
    takenHere.add(i)
    takenThere.add(j)
    sum += likeness * length
    lengths += length
    least = Math.min(least, likeness)
  }
  return { mean: (sum / lengths) * SURPLUS ** (many.length - few.length), least }
}

/** True when one edit turns one text into the other. */
export const isOneSlip = (a: string, b: string): boolean =>
  Math.abs(a.length - b.length) <= 1 && editDistance(a, b) === 1
