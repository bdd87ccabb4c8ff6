/** The invented people are as hard to match as docs/entities.md says: figures of easier ones would tell nothing. */
import { expect, test } from 'vitest'
import { personType } from './hub.ts'
import { twoSystems } from './people.ts'
import { sharesOf } from './shares.ts'

test.each([1, 2, 3])(
  'of 5,000 people a side enough are written differently, share no key or only look alike (seed %i)',
  (seed) => {
    const people = twoSystems(5_000, seed)
    expect(people.same.size).toBe(3_000)
    const shares = sharesOf(personType(), people)
    expect(shares.differing).toBeGreaterThanOrEqual(shares.differingInMeaning)
    expect(shares.differingInMeaning).toBeGreaterThanOrEqual(0.3)
    expect(shares.withoutKey).toBeGreaterThanOrEqual(0.2)
    expect(shares.lookAlikes).toBeGreaterThanOrEqual(0.05)
  },
)
