import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react'
import { request } from '../api/request.ts'
import { refusal, signIn } from '../api/token.ts'
import type { System } from '../api/types.ts'
import { Page } from '../parts/page.tsx'
import { Trouble } from '../parts/trouble.tsx'

/** The token goes into this tab's memory and nowhere else: no address, no cookie, no form that a browser would send. */
export function SignIn(): ReactNode {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const refused = useSyncExternalStore(refusal.subscribe, refusal.get)
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const given = token.trim()
    // What is no header value cannot be the token either, and fetch would call it a network error.
    if (!/^[\x21-\x7e]+$/.test(given))
      return setError(new Error('A token is letters, digits and signs without spaces.'))
    setBusy(true)
    setError(null)
    try {
      await request<System>('/system', { token: given })
      signIn(given)
    } catch (failure) {
      setError(failure as Error)
      setBusy(false)
    }
  }
  return (
    <main className="sign-in" id="main">
      <Page title="Sign in">
        <form onSubmit={(event) => void submit(event)} method="post">
          {refused && !error && <p className="tone-bad">{refused}</p>}
          <PasswordInput
            label="Admin token"
            description="When it starts, the hub prints where it keeps it."
            autoComplete="off"
            spellCheck={false}
            autoFocus
            required
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
          />
          {error && <Trouble error={error} />}
          <Button type="submit" mt="md" fullWidth loading={busy}>
            Sign in
          </Button>
        </form>
      </Page>
    </main>
  )
}
