/**
 * What certain descriptions leave out, although the API has it: an older edition, or one that others wrote down in part. The
 * samples of a connector name each piece, and for an edition the version in which it came; there it is unknown, not wrong.
 */
import type { ApiDocument } from '../apispec/index.ts'
import type { LeftOut } from '../simulator/index.ts'
import type { SpecRow } from './spec-rows.ts'

export function excuseLeftOut(rows: SpecRow[], { editions }: ApiDocument, leftOut: readonly LeftOut[]): void {
  const here = leftOut.filter(({ by, before }) =>
    editions.some(({ title, version }) => title === by && (before === undefined || isBefore(version, before))),
  )
  for (const row of rows) {
    const reason = row.verdict === 'wrong' && here.find(({ names }) => names.some((name) => isNamed(row.name, name)))
    if (reason) Object.assign(row, { verdict: 'unknown', detail: `this description leaves it out: ${reason.why}` })
  }
}

const isNamed = (shown: string, name: string): boolean =>
  shown === name || shown.endsWith(`.${name}`) || shown.startsWith(`${name}.`) || shown.includes(`.${name}.`)

/** Versions by their numbers, from left to right: 2.9.4 is before 2.10. */
function isBefore(version: string, other: string): boolean {
  const [mine, theirs] = [version, other].map((one) => one.split(/\D+/).filter(Boolean).map(Number))
  for (const [index, wanted] of theirs!.entries()) {
    const number = mine![index] ?? 0
    if (number !== wanted) return number < wanted
  }
  return false
}
