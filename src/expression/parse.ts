import jsonata from 'jsonata'
import type { AstNode } from './ast.ts'
import { type PlaceOf, syntaxError } from './failure.ts'

export type Parsed = { expression: jsonata.Expression; ast: AstNode }

/** Parses an expression with JSONata's own parser. Throws CSW-4001 with the place of the fault. */
export function parseExpression(source: string, placeOf?: PlaceOf): Parsed {
  try {
    const expression = jsonata(source)
    return { expression, ast: expression.ast() as AstNode }
  } catch (cause) {
    throw syntaxError(cause, source, placeOf)
  }
}
