/** How alike two words are: 1 the same, 0 nothing in common. An initial stands for any word that begins with it. */
function wordLikeness(a: string, b: string): number {
  if (a === b) return 1
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (short.length === 1) return long.startsWith(short) ? INITIAL : 0
  return 1 - editsBetween(a, b) / long.length
}

const INITIAL = 0.85
/** A word that the other side does not have (a second first name, a title) says little, but not nothing. */
const SURPLUS = 0.96

/** Insertions, deletions and replacements; two neighbours that changed places count once, for that is one slip of a finger. */
function editsBetween(a: string, b: string): number {
  let beforeThat: number[] = []
  let before = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(before[j]! + 1, row[j - 1]! + 1, replaced)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeThat[j - 2]! + 1)
      row.push(least)
    }
    beforeThat = before
    before = row
  }
  return before[b.length]!
}

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
  Math.abs(a.length - b.length) <= 1 && editsBetween(a, b) === 1
