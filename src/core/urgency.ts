import { AsyncLocalStorage } from 'node:async_hooks'

/** Classes of work when calls compete for a limit: a lower number goes first. */
const URGENCY = { interactive: 0, webhook: 1, incremental: 2, backfill: 3 } as const
type Urgency = keyof typeof URGENCY

const current = new AsyncLocalStorage<Urgency>()

/** Runs `work`; every call that it makes, however deep inside, is of this class. */
export const withUrgency = <T>(urgency: Urgency, work: () => T): T => current.run(urgency, work)

/** The class of the work under way as a priority: lower goes first. */
export const urgencyNow = (): number => URGENCY[current.getStore() ?? 'incremental']
