import type { HostFunction } from '../builtins.ts'
import { decimalFunctions } from './decimal.ts'
import { textFunctions } from './text.ts'

/** The functions every mapping has beyond JSONata's own. */
export const integrationFunctions: Readonly<Record<string, HostFunction>> = { ...decimalFunctions, ...textFunctions }
