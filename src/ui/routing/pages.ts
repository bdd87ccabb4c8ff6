import type { Scope } from '../../access/index.ts'
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
  { name: 'Home', href: to.home, paths: ['/'], key: 'h' },
  { name: 'Landscape', href: to.landscape, paths: ['/landscape'], key: 'l' },
  { name: 'Syncs', href: to.syncs, paths: ['/syncs', '/sync'], key: 's' },
  { name: 'Runs', href: to.runs(), paths: ['/runs', '/run'], key: 'r' },
  { name: 'Queues', href: to.queues(), paths: ['/queues'], key: 'q' },
  { name: 'Dead letters', href: to.deadLetters(), paths: ['/dead-letters', '/dead-letter'], key: 'd' },
  { name: 'Records', href: to.records(), paths: ['/records', '/record'], key: 'f' },
  { name: 'Entities', href: to.entities(), paths: ['/entities', '/entity', '/reviews'], key: 'e' },
  { name: 'Conflicts', href: to.conflicts(), paths: ['/conflicts'], key: 'c' },
  { name: 'Playground', href: to.playground(), paths: ['/playground'], key: 'p', needs: 'plans:make' },
  { name: 'Webhooks', href: to.webhooks(), paths: ['/webhooks'], key: 'w' },
  { name: 'Connections', href: to.connections, paths: ['/connections', '/connection', '/authorised'], key: 'n' },
  { name: 'Connectors', href: to.connectors, paths: ['/connectors', '/connector'], key: 'k' },
  { name: 'Timeline', href: to.timeline(), paths: ['/timeline'], key: 'i', needs: 'audit:read' },
  { name: 'Changes', href: to.changes, paths: ['/changes'], key: 'm' },
  { name: 'Audit', href: to.audit(), paths: ['/audit'], key: 'a', needs: 'audit:read' },
  { name: 'Settings', href: to.settings, paths: ['/settings'], key: 't' },
  { name: 'System', href: to.system, paths: ['/system'], key: 'y' },
]

/** The entry that an address belongs to. */
export const pageOf = (path: string): PageEntry | undefined => PAGES.find(({ paths }) => paths.includes(path))
