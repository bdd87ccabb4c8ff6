import { type EntityType, runRound } from '../identity/index.ts'
import type { Ports } from '../pipeline/index.ts'
import type { Sweep } from '../queue/index.ts'
import { createIdentityBook, type Store } from '../store/index.ts'

const EVERY_MS = 1_000

/** Holds what was pulled against what is known, one entity type after the other. */
export function matchingSweep(ports: Ports, pool: Store['pool'], types: () => readonly EntityType[]): Sweep {
  const book = createIdentityBook(pool)
  const { ledger, mappings, log } = ports
  // What this process loaded counts from then on, and not again at each round: of two processes the later one wins.
  const taken = new Map<string, string>()
  return {
    name: 'matching',
    everyMs: EVERY_MS,
    run: async (signal) => {
      for (const type of types()) {
        if (taken.get(type.name) !== type.version) await book.takeVersion(type.name, type.version)
        taken.set(type.name, type.version)
        const streamId = ports.model().streamId
        const counts = await runRound(
          { ledger, book, mappings, holdLease: ports.holdLease, streamId, log },
          type,
          signal,
        )
        if (counts?.read) log.info({ entity: type.name, ...counts }, 'records held against each other')
      }
    },
  }
}
