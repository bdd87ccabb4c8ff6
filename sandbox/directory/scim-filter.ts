import { Refusal } from '../http/index.ts'
import type { ScimUser } from './user.ts'

const CLAUSE = /^\s*([\w.]+)\s+(eq|ne|co|sw|gt|ge|lt|le)\s+("(?:[^"\\]|\\.)*"|true|false)\s*$/i

/** The part of the filter language most directories have: clauses joined by `or`, each of which may be joined by `and`. */
export function matches(user: ScimUser, filter: string): boolean {
  return split(filter, 'or').some((group) => split(group, 'and').every((clause) => matchesClause(user, clause)))
}

/** Cuts at a word outside of quotes. */
function split(text: string, word: string): string[] {
  const parts: string[] = []
  let from = 0
  for (const found of text.matchAll(new RegExp(`"(?:[^"\\\\]|\\\\.)*"|\\s${word}\\s`, 'gi'))) {
    if (found[0].startsWith('"')) continue
    parts.push(text.slice(from, found.index))
    from = found.index + found[0].length
  }
  return [...parts, text.slice(from)]
}

function matchesClause(user: ScimUser, clause: string): boolean {
  const [, path = '', operator = '', literal = ''] = CLAUSE.exec(clause) ?? []
  if (path === '')
    throw new Refusal(400, 'invalidFilter', `This part of the filter is not understood: ${clause.trim()}`)
  const wanted = String(JSON.parse(literal)).toLowerCase()
  const value = valueAt(user, path).toLowerCase()
  switch (operator.toLowerCase()) {
    case 'eq':
      return value === wanted
    case 'ne':
      return value !== wanted
    case 'co':
      return value.includes(wanted)
    case 'sw':
      return value.startsWith(wanted)
    case 'gt':
      return value > wanted
    case 'ge':
      return value >= wanted
    case 'lt':
      return value < wanted
    default:
      return value <= wanted
  }
}

function valueAt(user: ScimUser, path: string): string {
  if (path.toLowerCase() === 'meta.lastmodified') return new Date(user.lastModified).toISOString()
  let value: unknown = user
  for (const name of path.split('.')) {
    const holder = value as Record<string, unknown> | null | undefined
    const key = Object.keys(holder ?? {}).find((one) => one.toLowerCase() === name.toLowerCase())
    value = key === undefined ? undefined : holder?.[key]
  }
  return value === undefined || value === null ? '' : String(value)
}
