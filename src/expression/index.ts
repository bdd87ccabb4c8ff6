export type { Analysis, FunctionUse, PathUse, Use } from './analysis.ts'
export { BUILTIN_NAMES, type HostFunction } from './builtins.ts'
export {
  type Bindings,
  type CompiledExpression,
  compileExpression,
  type EvaluationOptions,
  type ExpressionOptions,
} from './compile.ts'
export type { PlaceOf } from './failure.ts'
export { plainJson } from './plain.ts'
