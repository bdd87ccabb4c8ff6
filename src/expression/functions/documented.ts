import type { HostFunction } from '../builtins.ts'

/** A function of ours with what the reference says of it; the examples are executed by a test. */
export type DocumentedFunction = HostFunction & {
  /** How it is called, for people: `$phone(text, country?)`. */
  usage: string
  sense: string
  /** Expressions and what they give; `null` stands for nothing. */
  examples: [expression: string, gives: unknown][]
}

/** What JSONata raises when an argument is not what a function takes; gets its place from the caller. */
export const wrongArgument = (index: number, value: unknown) => ({ code: 'T0410', index, value })
