/** Joins what files want of webhooks with those who order them, and with the intake that checks what comes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionConfig } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { CausewayError, type Finding, type JsonObject } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { keepSubscriptions, type Ports, type SubscriptionPorts } from '../pipeline/index.ts'
import type { SubscriptionBook } from '../store/index.ts'
import type { HubFiles } from './hub-files.ts'
import type { FormerConnection, Sessions } from './sessions.ts'

const EVERY_MS = 15_000

type Parts = {
  ports: Ports
  book: SubscriptionBook
  sessions: Sessions
  files(): HubFiles
  allConnectors(): Catalogue
  publicUrl: string | null
}

/** The sweep that keeps webhooks ordered. */
export function subscriptionSweep(parts: Parts) {
  const ports = subscriptionPorts(parts)
  return {
    name: 'webhook-subscriptions',
    everyMs: EVERY_MS,
    run: (signal: AbortSignal) => keepSubscriptions(ports, signal),
  }
}

/** Where a connection takes webhooks, on the hub's public address. */
const webhookAddress = (publicUrl: string, connection: string, stream: string | null): string =>
  [publicUrl.replace(/\/+$/, ''), 'hooks', connection, ...(stream === null ? [] : [stream])].join('/')

/** Streams of a connection that syncs with a webhook schedule read, as their source or through a join. */
const streamsByWebhook = (syncs: readonly SyncDefinition[], connection: string): string[] => [
  ...new Set(
    syncs
      .filter(({ schedule }) => schedule.some(({ kind }) => kind === 'webhook'))
      .flatMap(({ from, joins }) => [from, ...joins.map((join) => join.from)])
      .filter((address) => address.connection === connection)
      .map(({ stream }) => stream),
  ),
]

/** Of these, what the hub orders itself. */
const orderedStreams = (
  { connector, name }: ConnectionConfig,
  { catalogue, syncs }: Pick<HubFiles, 'catalogue' | 'syncs'>,
): string[] => {
  const ordered = catalogue.has(connector) ? catalogue.get(connector).orderedStreams : []
  return streamsByWebhook(syncs, name).filter((stream) => ordered.includes(stream))
}

/** Webhooks that are wanted cannot be ordered while the hub has no address for them. */
export function withoutAddress(files: Pick<HubFiles, 'config' | 'catalogue' | 'syncs'>): Finding[] {
  if (files.config.settings.public_url !== null) return []
  return [...files.config.connections.values()].flatMap((connection): Finding[] => {
    const streams = orderedStreams(connection, files)
    if (streams.length === 0) return []
    return [
      {
        severity: 'warning',
        code: 'CSW-1008',
        message: `connections.${connection.name}: webhooks of ${streams.join(', ')} cannot be ordered without \`public_url\``,
        fix: 'Set `public_url` to the address under which that system reaches this hub, or order them there by hand.',
        place: connection.placeOf(),
      },
    ]
  })
}

function subscriptionPorts({ ports, book, sessions, files, allConnectors, publicUrl }: Parts): SubscriptionPorts {
  const { holdLease, clock, log, model } = ports
  return {
    holdLease,
    clock,
    log,
    book,
    async wanted() {
      const now = files()
      const booked = await book.connections()
      const defined = [...now.config.connections.values()].flatMap((connection) => {
        const id = model().connectionId(connection.name)
        const streams = orderedStreams(connection, now)
        const known = booked.some(({ name }) => name === connection.name)
        return id !== undefined && (streams.length > 0 || known)
          ? [{ id, name: connection.name, streams, gone: false }]
          : []
      })
      const gone = booked.filter(({ name }) => !now.config.connections.has(name))
      return [...defined, ...gone.map(({ id, name }) => ({ id, name, streams: [], gone: true }))]
    },
    async session(name) {
      if (files().config.connections.has(name)) return ports.session(name)
      const former = await book.formerConnection(name)
      if (!former) throw unreachable(name)
      return sessions.getFormer(former as unknown as FormerConnection, allConnectors())
    },
    async remember(name) {
      const { title: _t, file: _f, placeOf: _p, ...config } = files().config.connections.get(name)!
      await book.rememberConnection(name, JSON.parse(JSON.stringify(config)) as JsonObject)
    },
    address: (connection, stream) => (publicUrl === null ? null : webhookAddress(publicUrl, connection, stream)),
  }
}

const unreachable = (name: string): CausewayError =>
  new CausewayError('CSW-1007', {
    what: `Webhooks of "${name}" are still ordered, but nothing says any more how it is reached.`,
    fix: 'Define the connection again for a moment, or remove the webhooks in that system.',
  })

/** A delivery that is refused makes the intake look for newer secrets; not more often than this. */
const REFRESH_MS = 1_000
/** A secret whose webhook was removed counts for this long at most. */
const KEEP_MS = 30_000

/** The secrets of ordered webhooks, in memory: intake asks the database only for what it cannot verify. */
export class KnownSecrets {
  readonly #book: Pick<SubscriptionBook, 'liveSecrets'>
  readonly #known = new Map<number, { at: number; secrets: Promise<{ id: string; secret: string }[]> }>()

  constructor(book: Pick<SubscriptionBook, 'liveSecrets'>) {
    this.#book = book
  }

  get(connectionId: number): Promise<{ id: string; secret: string }[]> {
    const known = this.#known.get(connectionId)
    return (known && performance.now() - known.at < KEEP_MS ? known : this.#load(connectionId)).secrets
  }

  /** The secrets as they are now. Many who ask at once, or within a second, share one look. */
  async renewed(connectionId: number): Promise<{ id: string; secret: string }[]> {
    const known = this.#known.get(connectionId)
    const age = known ? performance.now() - known.at : Number.POSITIVE_INFINITY
    if (age < REFRESH_MS) await sleep(REFRESH_MS - age)
    const seen = this.#known.get(connectionId)
    return (seen && seen !== known ? seen : this.#load(connectionId)).secrets
  }

  #load(connectionId: number) {
    const entry = { at: performance.now(), secrets: this.#book.liveSecrets(connectionId) }
    this.#known.set(connectionId, entry)
    entry.secrets.catch(() => this.#known.delete(connectionId))
    return entry
  }
}
