import type { EntityField, EntityType } from './contract.ts'
import type { Shown } from './features.ts'

/** A record of an entity with what the file makes of it. */
export type ViewedRecord = { stream: string; id: string; shown: Shown; changedAt: Date | null }

export type MergedField = { values: string[]; masked: boolean; stream: string; id: string }

/** One picture of an entity: per field the values of the record that the file prefers, and where they come from. */
export function mergedView(
  type: EntityType,
  records: readonly ViewedRecord[],
  reveal: boolean,
): Record<string, MergedField> {
  return Object.fromEntries(
    type.fields.flatMap((field): [string, MergedField][] => {
      if (field.access === 'hidden') return []
      const chosen = inOrder(field, records).find(({ shown }) => shown[field.name]?.length)
      if (!chosen) return []
      const masked = field.access === 'masked' && !reveal
      const values = chosen.shown[field.name]!
      return [
        [field.name, { values: masked ? values.map(mask) : values, masked, stream: chosen.stream, id: chosen.id }],
      ]
    }),
  )
}

/** What may be seen of one record. */
export function visible(type: EntityType, shown: Shown, reveal: boolean): Shown {
  return Object.fromEntries(
    type.fields.flatMap(({ name, access }): [string, string[]][] => {
      const values = shown[name]
      if (!values || access === 'hidden') return []
      return [[name, access === 'masked' && !reveal ? values.map(mask) : values]]
    }),
  )
}

function inOrder({ take }: EntityField, records: readonly ViewedRecord[]): ViewedRecord[] {
  if (take === 'newest')
    return [...records].sort((a, b) => (b.changedAt?.getTime() ?? 0) - (a.changedAt?.getTime() ?? 0))
  const rank = (stream: string): number => {
    const at = take.findIndex((address) => `${address.connection}:${address.stream}` === stream)
    return at < 0 ? take.length : at
  }
  return [...records].sort((a, b) => rank(a.stream) - rank(b.stream))
}

/** Says that there is something, and how long it is at most in coarse steps, and nothing of it. */
const mask = (value: string): string => '•'.repeat(value.length < 6 ? 4 : 8)
