import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import './styles/index.css'
import { followHub } from './api/feed.ts'
import { currentIdentity, useIdentity, watchIdentity } from './api/identity.ts'
import { MeContext, useAskedMe, useLack } from './api/may.ts'
import { makeQueryClient } from './api/queries.ts'
import { findSession } from './api/session.ts'
import { Home } from './pages/home/home.tsx'
import { askForHome } from './pages/home/situation.ts'
import { getOthers, useOthers } from './pages/later.ts'
import { NotAllowed } from './pages/not-allowed.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Loading } from './parts/list.tsx'
import { NotGiven } from './parts/not-given.tsx'
import { Page } from './parts/page.tsx'
import { Link } from './routing/link.tsx'
import { pageOf } from './routing/pages.ts'
import { usePlace } from './routing/place.ts'
import { Shell } from './shell.tsx'
import { rich, t } from './texts/index.ts'
import { styleNonce, theme } from './theme.ts'

const HOME = '/'

function App(): ReactNode {
  const identity = useIdentity()
  const { path, query } = usePlace()
  if (identity === null) return <SignIn />
  // Another thing of the same kind is another page: nothing of the one before may stay on the screen.
  const thing = `${path} ${query.get('name')} ${query.get('id')} ${query.get('stream')}`
  return (
    <Known>
      <Shell>
        <Allowed path={path}>
          {path === HOME ? <Home /> : <Other key={path.endsWith('s') ? path : thing} path={path} />}
        </Allowed>
      </Shell>
    </Known>
  )
}

const Known = ({ children }: { children: ReactNode }): ReactNode => (
  <MeContext value={useAskedMe()}>{children}</MeContext>
)

function Other({ path }: { path: string }): ReactNode {
  const { pages, failed } = useOthers()
  useEffect(() => void getOthers(), [])
  if (pages === null) return failed ? <NotGiven /> : <Loading />
  const Found = Object.hasOwn(pages, path) ? pages[path] : undefined
  return Found ? <Found /> : <NotFound />
}

function Allowed({ path, children }: { path: string; children: ReactNode }): ReactNode {
  const page = pageOf(path)
  const lack = useLack(page?.needs)
  // Nothing is asked for that might be refused.
  if (lack === undefined) return null
  return page && lack !== null ? <NotAllowed title={page.name} why={lack} /> : children
}

const NotFound = (): ReactNode => (
  <Page title={t('main.noSuchPage')}>
    <p>{rich('main.thereIsNothingUnderThis', { link: (text) => <Link href="/">{text}</Link> })}</p>
  </Page>
)

const client = makeQueryClient()
// What one person was shown is not left behind for the next.
watchIdentity(() => client.clear())
if (location.pathname !== HOME) void getOthers()
// The page that asks for a password is not shown to somebody whose browser has a session.
await findSession()
if (location.pathname === HOME && currentIdentity() !== null) await askForHome(client)
followHub(client)

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={styleNonce}>
        <QueryClientProvider client={client}>
          <App />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
