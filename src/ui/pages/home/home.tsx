import { lazy, type ReactNode, Suspense, useEffect } from 'react'
import { useSilentSince } from '../../api/reach.ts'
import { Loading } from '../../parts/list.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { t } from '../../texts/index.ts'
import { getOthersLater, useOthers } from '../later.ts'
import { Problems } from './problems.tsx'
import { useSituation } from './situation.ts'
import { Standstills } from './standstills.tsx'
import { Summary } from './summary.tsx'
import { verdictOf } from './verdict.ts'
import { VerdictCard } from './verdict-card.tsx'

/** Drawn when all that is above it stands, and not at all where the hub is gone by then: the page says so, and must not fall for a plot. */
const LastDay = lazy(() => import('../last-day.tsx').then((loaded) => ({ default: loaded.LastDay }), nothing))
const nothing = (): { default: typeof import('../last-day.tsx').LastDay } => ({ default: () => null })

/** Is it all right? One line, then what is wrong, what stands still, and the state of things in numbers. */
export function Home(): ReactNode {
  const { situation, error, retry } = useSituation()
  const silentSince = useSilentSince()
  // With the other pages comes all that it is made of.
  const { pages } = useOthers()
  const stands = situation !== null || error !== null
  useEffect(() => {
    if (stands) getOthersLater()
  }, [stands])
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
