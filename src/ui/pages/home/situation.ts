import type { QueryClient } from '@tanstack/react-query'
import { ME } from '../../api/may.ts'
import { askAhead, useAnswer } from '../../api/queries.ts'
import type { Connection, Items, Page, Problem, Queue, Schedule, Sync, System, Worker } from '../../api/types.ts'
import { useNow } from '../../parts/clock.ts'
import { type Situation, WORKERS_MS } from './verdict.ts'

const PATHS = {
  problems: '/problems',
  connections: '/connections?limit=500',
  syncs: '/syncs?limit=500',
  queues: '/queues',
  workers: '/workers',
  schedules: '/schedules',
  system: '/system',
} as const

/** Longer than a hub takes that is well; then home is shown as it waits. */
const AHEAD_MS = 1_000

/** Asks for all that home shows before anything is drawn: it is drawn once, with the answers, rather than as each of them comes. */
export const askForHome = (client: QueryClient): Promise<unknown> =>
  Promise.race([askAhead(client, [ME, ...Object.values(PATHS)]), new Promise((done) => setTimeout(done, AHEAD_MS))])

/** What home tells of, null until the hub has told enough of it. */
export function useSituation(): { situation: Situation | null; error: Error | null; retry: () => void } {
  const problems = useAnswer<Items<Problem>>(PATHS.problems)
  const connections = useAnswer<Page<Connection>>(PATHS.connections)
  const syncs = useAnswer<Page<Sync>>(PATHS.syncs)
  const queues = useAnswer<Items<Queue>>(PATHS.queues)
  const workers = useAnswer<Items<Worker>>(PATHS.workers, WORKERS_MS)
  const schedules = useAnswer<Items<Schedule>>(PATHS.schedules)
  const system = useAnswer<System>(PATHS.system)
  const now = useNow()
  const all = [problems, connections, syncs, queues, workers, schedules, system]
  const complete = problems.data && connections.data && syncs.data && queues.data && schedules.data && system.data
  return {
    situation: complete
      ? {
          problems: problems.data.items,
          connections: connections.data.items,
          syncs: syncs.data.items,
          queues: queues.data.items,
          workers: workers.data?.items ?? [],
          schedules: schedules.data.items,
          system: system.data,
          now,
        }
      : null,
    error: all.find((query) => query.error)?.error ?? null,
    retry: () => {
      for (const query of all) void query.refetch()
    },
  }
}
