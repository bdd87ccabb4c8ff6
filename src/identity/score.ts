import type { EntityType } from './contract.ts'
import type { Features } from './features.ts'
import { FIELD_KINDS } from './kinds.ts'

/** Why two records are, or are not, the same: agreement from -1 to 1 and what it counts. */
type Reason = { field: string; agreement: number; points: number }
export type Score = { points: number; reasons: Reason[] }

/**
 * Adds up what speaks for and against two records being the same thing. Of several values of a field the two that agree best
 * count: a person with two telephones is reached by either. A value that one side lacks says nothing.
 */
export function score(type: EntityType, a: Features['normal'], b: Features['normal']): Score {
  const reasons = type.fields.flatMap(({ name, kind, same, different }): Reason[] => {
    const [left, right] = [a[name], b[name]]
    if (!left || !right || same + different === 0) return []
    const { compare } = FIELD_KINDS[kind]
    const agreement = Math.max(...left.flatMap((one) => right.map((other) => compare(one, other))))
    const points = agreement > 0 ? agreement * same : agreement * different
    return [{ field: name, agreement: round(agreement), points: round(points) }]
  })
  return { points: round(reasons.reduce((sum, { points }) => sum + points, 0)), reasons }
}

const round = (value: number): number => Math.round(value * 100) / 100 + 0
