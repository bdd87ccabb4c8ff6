import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './styles/index.css'
import { followHub } from './api/feed.ts'
import { useIdentity, watchIdentity } from './api/identity.ts'
import { useLack } from './api/may.ts'
import { makeQueryClient } from './api/queries.ts'
import { findSession } from './api/session.ts'
import { Authorised } from './pages/authorised.tsx'
import { Audit } from './pages/changes/audit.tsx'
import { Changes } from './pages/changes/configuration.tsx'
import { Conflicts } from './pages/conflicts/conflicts.tsx'
import { ConnectionPage } from './pages/connection.tsx'
import { Connections } from './pages/connections.tsx'
import { ConnectorPage } from './pages/connectors/connector.tsx'
import { Connectors } from './pages/connectors/connectors.tsx'
import { DeadLetterPage } from './pages/dead-letter.tsx'
import { DeadLetters } from './pages/dead-letters.tsx'
import { Entities } from './pages/entities/entities.tsx'
import { EntityPage } from './pages/entities/entity.tsx'
import { Reviews } from './pages/entities/reviews.tsx'
import { Home } from './pages/home/home.tsx'
import { Landscape } from './pages/landscape/landscape.tsx'
import { NotAllowed } from './pages/not-allowed.tsx'
import { Playground } from './pages/playground/playground.tsx'
import { Queues } from './pages/queues.tsx'
import { RecordPage } from './pages/record.tsx'
import { Records } from './pages/records.tsx'
import { RunPage } from './pages/run.tsx'
import { Runs } from './pages/runs.tsx'
import { SettingsPage } from './pages/settings/settings.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { SyncPage } from './pages/sync.tsx'
import { Syncs } from './pages/syncs.tsx'
import { SystemPage } from './pages/system/system.tsx'
import { Timeline } from './pages/timeline/timeline.tsx'
import { Webhooks } from './pages/webhooks/webhooks.tsx'
import { Page } from './parts/page.tsx'
import { Link } from './routing/link.tsx'
import { pageOf } from './routing/pages.ts'
import { usePlace } from './routing/place.ts'
import { Shell } from './shell.tsx'
import { rich, t } from './texts/index.ts'
import { styleNonce, theme } from './theme.ts'

const PAGES: Record<string, () => ReactNode> = {
  '/': Home,
  '/syncs': Syncs,
  '/sync': SyncPage,
  '/runs': Runs,
  '/run': RunPage,
  '/queues': Queues,
  '/dead-letters': DeadLetters,
  '/dead-letter': DeadLetterPage,
  '/records': Records,
  '/record': RecordPage,
  '/entities': Entities,
  '/entity': EntityPage,
  '/reviews': Reviews,
  '/conflicts': Conflicts,
  '/playground': Playground,
  '/landscape': Landscape,
  '/timeline': Timeline,
  '/changes': Changes,
  '/audit': Audit,
  '/settings': SettingsPage,
  '/system': SystemPage,
  '/webhooks': Webhooks,
  '/connections': Connections,
  '/connectors': Connectors,
  '/connector': ConnectorPage,
  '/authorised': Authorised,
  '/connection': ConnectionPage,
}

function App(): ReactNode {
  const identity = useIdentity()
  const { path, query } = usePlace()
  if (identity === null) return <SignIn />
  const Found = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined
  // Another thing of the same kind is another page: nothing of the one before may stay on the screen.
  const thing = `${path} ${query.get('name')} ${query.get('id')} ${query.get('stream')}`
  return (
    <Shell>
      <Allowed path={path}>{Found ? <Found key={path.endsWith('s') ? path : thing} /> : <NotFound />}</Allowed>
    </Shell>
  )
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
// The page that asks for a password is not shown to somebody whose browser has a session.
await findSession()
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
