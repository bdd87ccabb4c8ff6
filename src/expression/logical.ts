/** `and`, `or`, and whether an item passes a predicate. */
import { CausewayError } from '../core/index.ts'
import { isNumeric, toBoolean } from './operators.ts'
import { plain, type Run } from './scope.ts'

/** The right side is looked at only when it decides; an error in it bears the place of the operator, as there. */
export function logical(left: Run, right: Run, token: 'and' | 'or', position: number | undefined): Run {
  const decided = token === 'or'
  return (input, scope) => {
    const value = plain(left(input, scope), scope)
    try {
      if (!!toBoolean(value) === decided) return decided
      return !!toBoolean(plain(right(input, scope), scope))
    } catch (error) {
      if (typeof error === 'object' && error !== null && !(error instanceof CausewayError))
        Object.assign(error, { position, token })
      throw error
    }
  }
}

/** How often an item passes a predicate: by position when the verdict is a number or numbers, else by truth. */
export function countKept(verdict: unknown, index: number, length: number): number {
  const numbers = isNumeric(verdict) ? [verdict] : verdict
  if (Array.isArray(numbers) && numbers.every(isNumeric)) {
    return numbers.filter((one) => {
      const wanted = Math.floor(one)
      return (wanted < 0 ? length + wanted : wanted) === index
    }).length
  }
  return toBoolean(verdict) ? 1 : 0
}
