/** A seeded generator (mulberry32), so that every run seeds the same data. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Picks one of the items. */
export const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

export const givenNames = [
  ...['Anneli', 'Béatrice', 'Cosima', 'Dağhan', 'Eszter', 'Frédéric', 'Gülşen', 'Hervé', 'Inga', 'Jörg', 'Käthe'],
  ...['Ludmiła', 'Marek', 'Núria', 'Óscar', 'Petra', 'Quirin', 'Søren', 'Zoë'],
] as const
export const familyNames = [
  ...['Achermann', 'Bärtschi', 'Çelik', "D'Angelo", 'Øvergård', 'Fußenegger', 'Grünwald', 'Hodžić', 'Ibáñez'],
  ...['Jónsdóttir', 'Kowalczyk', 'Lüscher', 'Meyer-Odermatt', 'Nováková', "O'Sullivan", 'Pâquier', 'von Rütte'],
] as const
