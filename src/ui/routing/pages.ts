import type { Scope } from '../../access/index.ts'
import { t } from '../texts/index.ts'
import { to } from './to.ts'

type PageEntry = {
  name: string
  href: string
  /** The addresses that belong to it. */
  paths: string[]
  /** What follows `g` to go there. */
  key: string
  /** Without this scope there is nothing to see there. */
  needs?: Scope
}

/** What the navigation leads to, in its order. */
export const PAGES: PageEntry[] = [
  { name: t('pages.home'), href: to.home, paths: ['/'], key: 'h' },
  { name: t('pages.landscape'), href: to.landscape, paths: ['/landscape'], key: 'l' },
  { name: t('pages.syncs'), href: to.syncs, paths: ['/syncs', '/sync'], key: 's' },
  { name: t('pages.runs'), href: to.runs(), paths: ['/runs', '/run'], key: 'r' },
  { name: t('pages.queues'), href: to.queues(), paths: ['/queues'], key: 'q' },
  { name: t('pages.deadLetters'), href: to.deadLetters(), paths: ['/dead-letters', '/dead-letter'], key: 'd' },
  { name: t('pages.records'), href: to.records(), paths: ['/records', '/record'], key: 'f' },
  { name: t('pages.entities'), href: to.entities(), paths: ['/entities', '/entity', '/reviews'], key: 'e' },
  { name: t('pages.conflicts'), href: to.conflicts(), paths: ['/conflicts'], key: 'c' },
  { name: t('pages.playground'), href: to.playground(), paths: ['/playground'], key: 'p', needs: 'plans:make' },
  { name: t('pages.webhooks'), href: to.webhooks(), paths: ['/webhooks'], key: 'w' },
  {
    name: t('pages.connections'),
    href: to.connections,
    paths: ['/connections', '/connection', '/authorised'],
    key: 'n',
  },
  { name: t('pages.connectors'), href: to.connectors, paths: ['/connectors', '/connector'], key: 'k' },
  { name: t('pages.timeline'), href: to.timeline(), paths: ['/timeline'], key: 'i', needs: 'audit:read' },
  { name: t('pages.changes'), href: to.changes, paths: ['/changes', '/version'], key: 'm' },
  { name: t('pages.audit'), href: to.audit(), paths: ['/audit'], key: 'a', needs: 'audit:read' },
  { name: t('pages.settings'), href: to.settings, paths: ['/settings'], key: 't' },
  { name: t('pages.system'), href: to.system, paths: ['/system'], key: 'y' },
  { name: t('pages.reference'), href: to.reference, paths: ['/docs'], key: 'b' },
]

/** The entry that an address belongs to. */
export const pageOf = (path: string): PageEntry | undefined => PAGES.find(({ paths }) => paths.includes(path))
