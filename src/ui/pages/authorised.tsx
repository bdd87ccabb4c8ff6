import { type ReactNode, useEffect } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { Connection } from '../api/types.ts'
import { Loading } from '../parts/list.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { go } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { rich, t } from '../texts/index.ts'
import { takeLogin } from './kept-login.ts'

/** It gets tokens from another system, and may take its time. */
const PATIENCE_MS = 60_000

// Read once, before the address is cleaned and before anything is drawn twice.
const parameters = location.pathname === '/authorised' ? Object.fromEntries(new URLSearchParams(location.search)) : {}
const login = location.pathname === '/authorised' ? takeLogin() : null
let asked = false

/** Where a person comes back to from the page of another system. The code is taken out of the address at once. */
export function Authorised(): ReactNode {
  const { mutate, data, error, isPending } = useAction(() =>
    post<Connection>(
      `/connections/${encodeURIComponent(login?.connection ?? '')}/login/finish`,
      { pending: login?.pending, parameters },
      { patienceMs: PATIENCE_MS },
    ),
  )
  useEffect(() => {
    if (asked || !login) return
    asked = true
    go('/authorised', { replace: true })
    mutate(undefined)
  }, [mutate])
  return (
    <Page title={t('authorised.authorisation')}>
      <Panel
        title={login ? t('authorised.connection', { connection: login.connection }) : t('authorised.nothingIsUnderWay')}
      >
        {!login && <p>{t('authorised.thisTabHasBegunNo')}</p>}
        {isPending && <Loading />}
        {error && <Trouble error={error} />}
        {data && (
          <p role="status">
            {rich('authorised.allowedTheTokensAreKept', {
              mark: (text) => <Mark tone="ok">{text}</Mark>,
              name: <Plain>{data.name}</Plain>,
            })}
          </p>
        )}
        {login && (
          <p>
            <Link href={to.connection(login.connection)}>{t('authorised.backToTheConnection')}</Link>
          </p>
        )}
      </Panel>
    </Page>
  )
}
