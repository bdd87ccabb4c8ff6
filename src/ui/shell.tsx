import { Button, NativeSelect, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
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
import { LANGUAGES, type Language, language, number, rich, setLanguage, t } from './texts/index.ts'

/** What stands around every page. */
export function Shell({ children }: { children: ReactNode }): ReactNode {
  useEffect(listenToKeys, [])
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t('shell.toTheContent')}
      </a>
      <header className="top">
        <Link href={to.home} className="brand">
          <img src={icon} alt="" width="22" height="22" /> <span>Causeway</span>
        </Link>
        <RecordSearch />
        <div className="top-actions">
          <LiveButton />
          {/* Beside the others where there is room, else behind a button of its own. */}
          <Button className="top-opens" size="compact-sm" variant="subtle" color="gray" popoverTarget="top-more">
            {t('shell.more')}
          </Button>
          <div id="top-more" className="top-more" popover="auto">
            <ZoneButton />
            <SchemeButton />
            <LanguageChoice />
            <KeysButton />
            <Who />
            <Button size="compact-sm" variant="subtle" color="gray" onClick={() => void signOut()}>
              {t('shell.signOut')}
            </Button>
          </div>
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
    <span className="who" title={t('shell.signedInAsWithThe', { name: me.name, role: me.role })}>
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
    <nav className="side" aria-label={t('shell.pages')}>
      <ul>
        {PAGES.filter(({ needs }) => needs === undefined || !lacks.includes(needs)).map(({ name, href, paths }) => (
          <li key={name}>
            <Link href={href} aria-current={paths.includes(path) ? 'page' : undefined}>
              {name}
              {href === to.deadLetters() && letters > 0 && <span className="pill">{number(letters)}</span>}
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
          aria-label={t('shell.findARecordById')}
          placeholder={t('shell.findARecord')}
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
  const words = lost === null ? wordOf(isLive, isSelecting) : t('shell.reconnectingSince', { lost })
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      aria-pressed={isLive}
      aria-keyshortcuts="."
      title={isLive ? t('shell.thePageFollowsTheHub') : t('shell.thePageStandsStillClick')}
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
        title={t('shell.inWhichTimeZoneTimes')}
        onClick={() => setOpen(true)}
      >
        {timeZoneOf(zone) ?? t('shell.localTime')}
      </Button>
      {open && <ZoneDialog close={() => setOpen(false)} />}
    </>
  )
}

function wordOf(isLive: boolean, isSelecting: boolean): string {
  if (!isLive) return t('shell.held')
  return isSelecting ? t('shell.pausedTextIsSelected') : t('shell.live')
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
      {scheme === 'dark' ? t('shell.light') : t('shell.dark')}
    </Button>
  )
}

/** Each language by its own name, so that it is found by those who can read no other. */
const LanguageChoice = (): ReactNode => (
  <NativeSelect
    size="xs"
    variant="unstyled"
    className="language"
    aria-label={t('shell.language')}
    value={language}
    data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
    onChange={(event) => setLanguage(event.currentTarget.value as Language)}
  />
)

const KeysButton = (): ReactNode => (
  <Button
    size="compact-sm"
    variant="subtle"
    color="gray"
    title={t('shell.whatSingleKeysDo')}
    onClick={() => keysShown.set(true)}
  >
    {t('shell.keys')}
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
            {rich('shell.theHubHasNotAnswered', {
              time: (
                <time dateTime={since.toISOString()} title={exactTime(since)}>
                  {clockTime(since)}
                </time>
              ),
              part: <span aria-live="off">({spanInWords(now - since.getTime())})</span>,
            })}
          </span>
        </div>
      )}
    </div>
  )
}
