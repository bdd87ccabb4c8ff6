/** The protocols the hub speaks. A new one is one folder and one line here. */
import type { Protocol } from './contract.ts'
import { rest } from './rest/index.ts'

export const protocols: Readonly<Record<string, Protocol>> = Object.fromEntries(
  // Each protocol knows the type of its own fields; as a list they are all the same.
  [rest as unknown as Protocol].map((protocol) => [protocol.name, protocol]),
)
