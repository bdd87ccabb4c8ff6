import { builtin, defineFunctions, type FunctionDefinition } from './builtins.ts'

const fromMillis = builtin('fromMillis')!.implementation
const toMillis = builtin('toMillis')!

const signatures = defineFunctions({
  now: { signature: '<s?s?:s>', implementation: () => '' },
  millis: { signature: '<:n>', implementation: () => 0 },
})

/** The functions that look at the clock, for one fixed instant; bound over JSONata's own they freeze it. */
export function clockFunctions(now: number): Record<string, FunctionDefinition> {
  const environment = { timestamp: new Date(now) }
  return {
    now: { ...signatures.get('now')!, implementation: (...args) => fromMillis.call(undefined as never, now, ...args) },
    millis: { ...signatures.get('millis')!, implementation: () => now },
    // Parts that a picture leaves out (the date of "14:30") are taken from the clock.
    toMillis: {
      ...toMillis,
      implementation(...args) {
        return toMillis.implementation.apply({ ...this, environment }, args)
      },
    },
  }
}
