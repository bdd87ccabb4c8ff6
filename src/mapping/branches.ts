import type { MapOutput } from './contract.ts'

/** An output with the ways that conditions went while it was made. */
export type TracedOutput = MapOutput & { branches: string[] }

/** The name of one way of a condition: the path of its expression, its offset there, and which way. */
export const branchId = (path: readonly (string | number)[], offset: number, branch: 'then' | 'else'): string =>
  `${path.join('/')}@${offset}:${branch}`
