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
      PATIENCE_MS,
    ),
  )
  useEffect(() => {
    if (asked || !login) return
    asked = true
    go('/authorised', { replace: true })
    mutate(undefined)
  }, [mutate])
  return (
    <Page title="Authorisation">
      <Panel title={login ? `Connection ${login.connection}` : 'Nothing is under way'}>
        {!login && (
          <p>This tab has begun no authorisation, or it is finished. Begin it on the page of the connection.</p>
        )}
        {isPending && <Loading />}
        {error && <Trouble error={error} />}
        {data && (
          <p role="status">
            <Mark tone="ok">allowed</Mark> The tokens are kept sealed, and <Plain>{data.name}</Plain> works again.
          </p>
        )}
        {login && (
          <p>
            <Link href={to.connection(login.connection)}>Back to the connection</Link>
          </p>
        )}
      </Panel>
    </Page>
  )
}
