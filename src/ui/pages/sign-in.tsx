import { Button, PasswordInput, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from 'react'
import { type FailedLogin, takeFailedLogin } from '../api/failed-login.ts'
import { refusal, signIn } from '../api/identity.ts'
import { useAnswer } from '../api/queries.ts'
import { request } from '../api/request.ts'
import { signInWithPassword } from '../api/session.ts'
import type { LoginMethods, Me } from '../api/types.ts'
import { Icon } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { rich, t } from '../texts/index.ts'

const ONCE_MS = 3_600_000

/** The ways in: a provider, user and password, a token. */
export function SignIn(): ReactNode {
  const refused = useSyncExternalStore(refusal.subscribe, refusal.get)
  const [failed] = useState(takeFailedLogin)
  const methods = useAnswer<LoginMethods>('/login/methods', ONCE_MS)
  const provider = methods.data?.provider
  return (
    <main className="sign-in" id="main">
      <Page title={t('signIn.signIn')}>
        {refused && <p className="tone-bad">{refused}</p>}
        {failed && <Failure {...failed} />}
        {provider && (
          <Button component="a" href="/api/v1/login/provider" fullWidth mb="lg">
            {t('signIn.signInWith', { provider })}
          </Button>
        )}
        <PasswordForm />
        <TokenForm />
      </Page>
    </main>
  )
}

/** Why the login elsewhere ended here again. */
const Failure = ({ code, detail, fix, requestId }: FailedLogin): ReactNode => (
  <div className="trouble" role="alert">
    <Icon tone="bad" size={18} />
    <div>
      <p className="trouble-what">{detail}</p>
      <p>{fix}</p>
      <p className="dim">
        {rich('signIn.codeRequest', { code: <code>{code}</code>, code2: <code>{requestId}</code> })}
      </p>
    </div>
  </div>
)

/** Does `work` when a form is sent, and says what came of it. */
function useSending(work: () => Promise<void>) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await work()
    } catch (failure) {
      setError(failure as Error)
      setBusy(false)
    }
  }
  return { busy, error, onSubmit: (event: FormEvent) => void send(event) }
}

function PasswordForm(): ReactNode {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { busy, error, onSubmit } = useSending(() => signInWithPassword(name.trim(), password))
  return (
    <form onSubmit={onSubmit} method="post">
      <TextInput
        label={t('signIn.userName')}
        autoComplete="username"
        spellCheck={false}
        autoFocus
        required
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        label={t('signIn.password')}
        autoComplete="current-password"
        required
        mt="sm"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': t('signIn.showThePassword') }}
      />
      {error && <Trouble error={error} />}
      <Button type="submit" mt="md" fullWidth loading={busy}>
        {t('signIn.signIn')}
      </Button>
    </form>
  )
}

/** The token goes into this tab's memory and nowhere else: no address, no cookie, no form that a browser would send. */
function TokenForm(): ReactNode {
  const [token, setToken] = useState('')
  const { busy, error, onSubmit } = useSending(async () => {
    const given = token.trim()
    // What is no header value cannot be the token either, and fetch would call it a network error.
    if (!/^[\x21-\x7e]+$/.test(given)) throw new Error('A token is letters, digits and signs without spaces.')
    await request<Me>('/me', { as: { token: given } })
    signIn({ token: given })
  })
  return (
    <form onSubmit={onSubmit} method="post">
      <PasswordInput
        label={t('signIn.adminToken')}
        description={t('signIn.whenItStartsTheHub')}
        autoComplete="off"
        spellCheck={false}
        required
        mt="xl"
        value={token}
        onChange={(event) => setToken(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': t('signIn.showTheToken') }}
      />
      {error && <Trouble error={error} />}
      <Button type="submit" mt="md" fullWidth variant="default" loading={busy}>
        {t('signIn.signInWithTheToken')}
      </Button>
    </form>
  )
}
