export type { Analysis, FunctionUse, PathUse, Use } from './analysis.ts'
export type { AstNode } from './ast.ts'
export { arityOf, BUILTIN_NAMES, type HostFunction, signatureOf } from './builtins.ts'
export {
  type Bindings,
  type CompiledExpression,
  compileExpression,
  type EvaluationOptions,
  type ExpressionOptions,
} from './compile.ts'
export type { PlaceOf } from './failure.ts'
export { decimalsMade, forgetDecimals } from './functions/decimal.ts'
export { integrationFunctions } from './functions/index.ts'
export { isTrue } from './operators.ts'
export { plainJson } from './plain.ts'
export {
  Sandbox,
  type SandboxItem,
  type SandboxOptions,
  type SandboxProgram,
  type SandboxResult,
  type SandboxService,
  serveSandbox,
} from './sandbox/index.ts'
