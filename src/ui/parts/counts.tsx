import type { ReactNode } from 'react'
import { type JsonText, readJson } from '../api/json-text.ts'
import { number, t, word } from '../texts/index.ts'

/** Names that are bad news when they are not zero. */
const BAD = new Set(['dead', 'failed', 'rejected', 'errors'])
const UNEASY = new Set(['in_doubt', 'retry', 'parked'])

const ORDER = 'read changed created updated deleted unchanged skipped parked retry in_doubt dead'.split(' ')
const rank = (name: string): number => ORDER.indexOf(name) + 1 || ORDER.length + 1

/** Counts in the order in which the work goes; the database gives them in none. */
export const inOrder = (counts: JsonText | null): [string, number][] =>
  Object.entries(readJson<Record<string, unknown>>(counts) ?? {})
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))

/** "read 2,000 · changed 12": what is zero is left out. */
export function Counts({ counts }: { counts: JsonText | null }): ReactNode {
  const shown = inOrder(counts).filter(([, count]) => count !== 0)
  if (!shown.length) return <span className="dim">{t('parts.nothing')}</span>
  return (
    <span className="counts">
      {shown.map(([name, count]) => (
        <span key={name} className={BAD.has(name) ? 'tone-bad' : UNEASY.has(name) ? 'tone-warn' : undefined}>
          {word('words', name)} <b>{number(count)}</b>
        </span>
      ))}
    </span>
  )
}
