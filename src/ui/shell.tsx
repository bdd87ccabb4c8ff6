import { Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { useFeedState } from './api/feed.ts'
import { live, useLive, useSelecting } from './api/live.ts'
import { useMe } from './api/may.ts'
import { useAnswer } from './api/queries.ts'
import { useSilentSince } from './api/reach.ts'
import { signOut } from './api/session.ts'
import type { Connection, Page } from './api/types.ts'
import icon from './icon.svg'
import { KeysDialog } from './keys/keys-dialog.tsx'
import { keysShown, listenToKeys } from './keys/single-keys.ts'
import { clockTime, exactTime, spanInWords, useNow } from './parts/clock.ts'
import { Icon } from './parts/mark.tsx'
import { timeZoneOf, useZone } from './parts/zone.ts'
import { ZoneDialog } from './parts/zone-dialog.tsx'
import { Link } from './routing/link.tsx'
import { PAGES } from './routing/pages.ts'
import { go, usePlace } from './routing/place.ts'
import { to } from './routing/to.ts'

/** What stands around every page. */
export function Shell({ children }: { children: ReactNode }): ReactNode {
  useEffect(listenToKeys, [])
  return (
    <div className="shell">
      <a className="skip" href="#main">
        To the content
      </a>
      <header className="top">
        <Link href={to.home} className="brand">
          <img src={icon} alt="" width="22" height="22" /> Causeway
        </Link>
        <RecordSearch />
        <div className="top-actions">
          <LiveButton />
          <ZoneButton />
          <SchemeButton />
          <KeysButton />
          <Who />
          <Button size="compact-sm" variant="subtle" color="gray" onClick={() => void signOut()}>
            Sign out
          </Button>
        </div>
      </header>
      <Navigation />
      <main id="main" tabIndex={-1}>
        <SilenceBanner />
        {children}
      </main>
      <KeysDialog />
    </div>
  )
}

/** Who is signed in, and as what. */
function Who(): ReactNode {
  const me = useMe()
  return me ? (
    <span className="who" title={`Signed in as ${me.name}, with the role ${me.role}`}>
      {me.name === me.role ? me.name : `${me.name} · ${me.role}`}
    </span>
  ) : null
}

function Navigation(): ReactNode {
  const { path } = usePlace()
  const connections = useAnswer<Page<Connection>>('/connections?limit=500')
  const lacks = useMe()?.lacks.map(({ scope }) => scope) ?? []
  const letters = connections.data?.items.reduce((sum, connection) => sum + connection.openDeadLetters, 0) ?? 0
  return (
    <nav className="side" aria-label="Pages">
      <ul>
        {PAGES.filter(({ needs }) => needs === undefined || !lacks.includes(needs)).map(({ name, href, paths }) => (
          <li key={name}>
            <Link href={href} aria-current={paths.includes(path) ? 'page' : undefined}>
              {name}
              {name === 'Dead letters' && letters > 0 && <span className="pill">{letters.toLocaleString()}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function RecordSearch(): ReactNode {
  const [key, setKey] = useState('')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (key.trim()) go(to.records(key.trim()))
  }
  return (
    <search className="top-search">
      <form onSubmit={submit}>
        <input
          type="search"
          aria-label="Find a record by id, e-mail address or number"
          placeholder="Find a record…"
          value={key}
          maxLength={1_000}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
      </form>
    </search>
  )
}

const LOST_MS = 5_000

/** Whether the page follows the hub, and holds it still: the dot of the page. */
function LiveButton(): ReactNode {
  const isLive = useLive()
  const feed = useFeedState()
  const now = useNow()
  // A stream that ends and comes back within moments is nothing to tell of.
  const isLost = isLive && feed.state === 'lost' && now - feed.since.getTime() > LOST_MS
  const lost = isLost ? clockTime(feed.since) : null
  const isSelecting = useSelecting()
  const words = lost === null ? wordOf(isLive, isSelecting) : `Reconnecting since ${lost}`
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      aria-pressed={isLive}
      aria-keyshortcuts="."
      title={
        isLive ? 'The page follows the hub. Click to hold it still.' : 'The page stands still. Click to follow the hub.'
      }
      leftSection={<Icon tone={lost === null ? (isLive && !isSelecting ? 'busy' : 'idle') : 'warn'} />}
      onClick={() => live.set(!isLive)}
    >
      {words}
    </Button>
  )
}

function ZoneButton(): ReactNode {
  const [open, setOpen] = useState(false)
  const zone = useZone()
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray"
        aria-haspopup="dialog"
        title="In which time zone times are shown"
        onClick={() => setOpen(true)}
      >
        {timeZoneOf(zone) ?? 'Local time'}
      </Button>
      {open && <ZoneDialog close={() => setOpen(false)} />}
    </>
  )
}

function wordOf(isLive: boolean, isSelecting: boolean): string {
  if (!isLive) return 'Held'
  return isSelecting ? 'Paused: text is selected' : 'Live'
}

function SchemeButton(): ReactNode {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
    >
      {scheme === 'dark' ? 'Light' : 'Dark'}
    </Button>
  )
}

const KeysButton = (): ReactNode => (
  <Button
    size="compact-sm"
    variant="subtle"
    color="gray"
    title="What single keys do"
    onClick={() => keysShown.set(true)}
  >
    Keys
  </Button>
)

/** Says since when nothing answers. It goes away by itself: the lists below keep asking. */
function SilenceBanner(): ReactNode {
  const since = useSilentSince()
  const now = useNow()
  return (
    <div role="status" aria-live="polite">
      {since && (
        <div className="banner">
          <Icon tone="warn" size={18} />
          <span>
            The hub has not answered since{' '}
            <time dateTime={since.toISOString()} title={exactTime(since)}>
              {clockTime(since)}
            </time>{' '}
            <span aria-live="off">({spanInWords(now - since.getTime())})</span>. What you see is older. This page tries
            again by itself.
          </span>
        </div>
      )}
    </div>
  )
}
