import type pg from 'pg'
import { decideReview, importPairs, mergeEntities, splitEntity } from './decisions.ts'
import { commitMatches, findCandidates, findRejected, readIdentities, readMembers, readPending } from './matching.ts'
import { findUnsettled } from './own-creates.ts'
import { beginRound, endRound, saveEvents, saveIdentities, takeVersion } from './reading.ts'

const functions = {
  takeVersion,
  beginRound,
  saveIdentities,
  saveEvents,
  endRound,
  readPending,
  findCandidates,
  readIdentities,
  readMembers,
  findRejected,
  findUnsettled,
  commitMatches,
  decideReview,
  mergeEntities,
  splitEntity,
  importPairs,
}

type Bound<F> = F extends (pool: pg.Pool, ...rest: infer A) => infer R ? (...args: A) => R : never
/** The tables of entities as the identity room uses them: every function with the pool filled in. */
export type IdentityBook = { [K in keyof typeof functions]: Bound<(typeof functions)[K]> }

/** Of a pool, or of a session within a transaction. */
export function createIdentityBook(pool: pg.Pool | pg.PoolClient): IdentityBook {
  const bound = Object.entries(functions).map(([name, run]) => [
    name,
    (run as (...args: unknown[]) => unknown).bind(null, pool),
  ])
  return Object.fromEntries(bound) as IdentityBook
}
