import { dateFunctions } from './dates.ts'
import { decimalFunctions } from './decimal.ts'
import type { DocumentedFunction } from './documented.ts'
import { identifierFunctions } from './identifiers.ts'
import { markupFunctions } from './markup.ts'
import { moneyFunctions } from './money.ts'
import { nameFunctions } from './names.ts'
import { phoneFunctions } from './phone.ts'
import { placeFunctions } from './places.ts'
import { textFunctions } from './text.ts'

/** The functions every mapping has beyond JSONata's own, by subject; the reference is printed from it. */
export const integrationFunctionGroups: Readonly<Record<string, Record<string, DocumentedFunction>>> = {
  'Exact numbers': decimalFunctions,
  Money: moneyFunctions,
  'Phone numbers': phoneFunctions,
  Countries: placeFunctions,
  'Dates and zones': dateFunctions,
  'Tax numbers, accounts, ids': identifierFunctions,
  'Names of people': nameFunctions,
  'Text and HTML': { ...textFunctions, ...markupFunctions },
}

export const integrationFunctions: Readonly<Record<string, DocumentedFunction>> = Object.assign(
  {},
  ...Object.values(integrationFunctionGroups),
)
