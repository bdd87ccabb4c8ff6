export type { Use } from './analysis.ts'
export { type AstNode, childrenOf } from './ast.ts'
export { arityOf, BUILTIN_NAMES, type HostFunction, signatureOf } from './builtins.ts'
export type { OnBranch } from './closures.ts'
export { type CompiledExpression, compileExpression } from './compile.ts'
export { decimalsMade, forgetDecimals } from './functions/decimal.ts'
export type { DocumentedFunction } from './functions/documented.ts'
export { integrationFunctionGroups, integrationFunctions } from './functions/index.ts'
export { isTrue } from './operators.ts'
export { parseExpression } from './parse.ts'
export { plainJson } from './plain.ts'
export { startOf, tokenStart } from './positions.ts'
export { EVERY_VARIABLE, readsOf } from './reads.ts'
export {
  type Isolation,
  isolated,
  isolationNow,
  Sandbox,
  type SandboxItem,
  type SandboxProgram,
  serveSandbox,
} from './sandbox/index.ts'
