/**
 * All that programs may import from the package (docs/decisions/0043): every code that problems, alerts and the command line's JSON
 * can hold, with what it means and what to do.
 */
export { type ErrorCode, registry as errorRegistry } from './registry.ts'
export type { CauseClass, ErrorSpec, Reaction } from './spec.ts'
