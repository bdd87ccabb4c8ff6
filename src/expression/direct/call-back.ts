/** How functions call the functions they were given. */
import { arityOfValue } from '../lambda.ts'
import { isFunction } from '../marks.ts'
import type { Match } from '../regex.ts'

export type CallBack = { apply(self: unknown, args: unknown[]): unknown }

/** The item, and its place and its whole when the function takes that many. */
export function callWithItem(callBack: CallBack, self: unknown, item: unknown, at: unknown, whole: unknown): unknown {
  const arity = arityOfValue(callBack)
  const args = arity >= 3 ? [item, at, whole] : arity === 2 ? [item, at] : [item]
  return callBack.apply(self, args)
}

/** Asks a matcher (a regular expression, or a lambda that answers like one) for a match. */
export function matchBy(matcher: unknown, self: unknown, text?: string): Match | undefined {
  const match = (matcher as CallBack).apply(self, [text]) as Match | undefined
  const looksRight = (found: Match) =>
    typeof found.start === 'number' ||
    (typeof found.end as string) === 'number' ||
    Array.isArray(found.groups) ||
    isFunction(found.next)
  if (match && !looksRight(match)) throw { code: 'T1010' }
  return match
}
