import type { ReactNode } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { BegunLogin, Connection } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { t } from '../texts/index.ts'
import { keepLogin } from './kept-login.ts'

/** Sends the person to the page of the system where they allow the connection; `/authorised` is where they come back to. */
export function Authorise({ connection: { name, state } }: { connection: Connection }): ReactNode {
  const path = `/connections/${encodeURIComponent(name)}/login`
  const begin = useAction(() => post<BegunLogin>(path, { redirectUri: `${location.origin}/authorised` }))
  if (state === 'removed') return null
  const leave = ({ url, pending }: BegunLogin): void => {
    // A manifest says the address: nothing but a web page may be opened by it.
    if (!/^https?:\/\//i.test(url)) return
    keepLogin({ connection: name, pending })
    location.assign(url)
  }
  return (
    <>
      {begin.error && <span className="tone-bad">{begin.error.message}</span>}
      <ActionButton
        needs="connections:authorise"
        size="compact-xs"
        variant={state === 'needs_authorisation' ? 'filled' : 'default'}
        loading={begin.isPending}
        onClick={() => begin.mutate(undefined, { onSuccess: leave })}
      >
        {t('connection.authoriseAgain')}
      </ActionButton>
    </>
  )
}
