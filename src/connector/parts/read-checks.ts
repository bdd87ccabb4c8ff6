/** Small rules that reading, looking up and fetching share. */
import type { Json } from '../../core/index.ts'
import type { PartFinding } from '../language/index.ts'
import type { Incremental } from './incremental.ts'
import type { Paging } from './paging.ts'

/** Records of an answer as a list: JSONata gives a single match without its array, and nothing for none. */
export function listOf(value: unknown): Json[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? (value as Json[]) : [value as Json]
}

/** Faults of a request that declares a cursor, page or watermark and does not send it (or the other way round). */
export function unusedNames(request: object, paging: Paging, incremental: Incremental | undefined): PartFinding[] {
  const used = usedNames(request)
  const needs = { cursor: 'cursor', relay: 'cursor', keyset: 'cursor', offset: 'page', page: 'page' } as const
  const needed = paging.kind in needs ? needs[paging.kind as keyof typeof needs] : undefined
  return [
    ...(needed && !used.has(needed)
      ? [
          {
            field: 'paging',
            message: `the request never sends \`${needed}\`, so every page would be the first`,
            fix: `Put \`\${ ${needed === 'page' ? `page.${paging.kind === 'page' ? 'number' : 'offset'}` : needed} }\` into the query, a header or the body.`,
          },
        ]
      : []),
    ...(incremental && !incremental.newest_first && !used.has('since')
      ? [
          {
            field: 'incremental',
            message: 'the request never sends `since`, so every pull would read everything',
            fix: `Put \`\${ since }\` into the query, a header or the body.`,
          },
        ]
      : []),
  ]
}

/** Whether a request says `since` although nothing would ever give it a value. */
export const idleSince = (request: object, incremental: object | undefined): PartFinding[] =>
  !incremental && usedNames(request).has('since')
    ? [{ message: '`since` is used without `incremental`', fix: 'Add `incremental: { value: record.updated_at }`.' }]
    : []

/** Root names used anywhere in the templates of a request. */
export function usedNames(request: object): Set<string> {
  const used = new Set<string>()
  for (const value of Object.values(request)) {
    const names = (value as { names?: ReadonlySet<string> } | undefined)?.names
    if (names) for (const name of names) used.add(name)
  }
  return used
}
