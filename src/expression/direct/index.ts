import { builtin, type FunctionDefinition } from '../builtins.ts'
import { each, filter, map, reduce, sift, single, sort } from './collections.ts'
import { contains, match, replace, split } from './strings.ts'

const fromMillis = builtin('fromMillis')!.implementation
type Clock = { environment: { timestamp: Date } }

const implementations: Record<string, (this: never, ...args: never[]) => unknown> = {
  contains,
  match,
  replace,
  split,
  map,
  filter,
  single,
  reduce,
  each,
  sift,
  sort,
  now,
  millis,
}

const definitions = new Map<string, FunctionDefinition>(
  Object.entries(implementations).map(([name, implementation]) => [
    name,
    { ...builtin(name)!, implementation: implementation as FunctionDefinition['implementation'] },
  ]),
)

/** The synchronous form of a function that is asynchronous in JSONata. */
export const directForm = (name: string): FunctionDefinition | undefined => definitions.get(name)

/** $now and $millis, for the instant of the evaluation. */
function now(this: Clock, picture?: string, timezone?: string): unknown {
  return fromMillis.call(undefined as never, this.environment.timestamp.getTime(), picture, timezone)
}
function millis(this: Clock): number {
  return this.environment.timestamp.getTime()
}
