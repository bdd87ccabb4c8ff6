import { CausewayError } from '../core/index.ts'
import type { PreparedExpression } from './prepare.ts'

/** Adds where in the mapping file the expression stands; the caller outside the sandbox turns it into line and column. */
export function located(error: unknown, expression: PreparedExpression): CausewayError {
  const known = asMappingError(error)
  known.data.mappingPath ??= expression.path
  return known
}

export function asMappingError(error: unknown): CausewayError {
  if (error instanceof CausewayError) return error
  return new CausewayError('CSW-4002', { what: `The mapping failed: ${(error as Error).message}`, cause: error })
}
