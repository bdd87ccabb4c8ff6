import { lazy, type ReactNode, Suspense } from 'react'
import { useAnswer } from '../../api/queries.ts'
import { useSilentSince } from '../../api/reach.ts'
import type {
  Connection,
  Items,
  Page as PageOf,
  Problem,
  Queue,
  Schedule,
  Sync,
  System,
  Worker,
} from '../../api/types.ts'
import { useNow } from '../../parts/clock.ts'
import { Loading } from '../../parts/list.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { t } from '../../texts/index.ts'
import { useOthers } from '../later.ts'
import { Problems } from './problems.tsx'
import { Standstills } from './standstills.tsx'
import { Summary } from './summary.tsx'
import { type Situation, verdictOf, WORKERS_MS } from './verdict.ts'
import { VerdictCard } from './verdict-card.tsx'

const MOST = 'limit=500'

/** Drawn when all that is above it stands, and not at all where the hub is gone by then: the page says so, and must not fall for a plot. */
const LastDay = lazy(() => import('../last-day.tsx').then((loaded) => ({ default: loaded.LastDay }), nothing))
const nothing = (): { default: typeof import('../last-day.tsx').LastDay } => ({ default: () => null })

/** Is it all right? One line, then what is wrong, what stands still, and the state of things in numbers. */
export function Home(): ReactNode {
  const { situation, error, retry } = useSituation()
  const silentSince = useSilentSince()
  // With the other pages comes all that it is made of.
  const { pages } = useOthers()
  return (
    <Page title={t('home.isItAllRight')}>
      {situation === null ? (
        error ? (
          <Trouble error={error} retry={retry} />
        ) : (
          <Loading />
        )
      ) : (
        <>
          <VerdictCard verdict={verdictOf(situation)} silentSince={silentSince} situation={situation} error={error} />
          <Summary situation={situation} />
          <Panel title={t('home.openProblems')}>
            <Problems problems={situation.problems} />
          </Panel>
          <Standstills situation={situation} />
          <Suspense>{pages && <LastDay path="" of="hub" />}</Suspense>
        </>
      )}
    </Page>
  )
}

function useSituation(): { situation: Situation | null; error: Error | null; retry: () => void } {
  const problems = useAnswer<Items<Problem>>('/problems')
  const connections = useAnswer<PageOf<Connection>>(`/connections?${MOST}`)
  const syncs = useAnswer<PageOf<Sync>>(`/syncs?${MOST}`)
  const queues = useAnswer<Items<Queue>>('/queues')
  const workers = useAnswer<Items<Worker>>('/workers', WORKERS_MS)
  const schedules = useAnswer<Items<Schedule>>('/schedules')
  const system = useAnswer<System>('/system')
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
