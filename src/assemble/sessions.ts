import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type ConnectionConfig, connectionNamed, resolveSecret, type SecretSources } from '../config/index.ts'
import type { Catalogue, ConnectorSession, TokenStore, UploadStore } from '../connector/index.ts'
import { type Clock, digest, type Logger } from '../core/index.ts'
import { type QuotaStore, type Refusal, SharedQuotaGate } from '../outbound/index.ts'
import type { HubFiles } from './hub-files.ts'

/** What a session needs of a connection. */
export type FormerConnection = Omit<ConnectionConfig, 'title' | 'file' | 'placeOf'>

/**
 * One session per connection and process, opened at first use and shared by all its work. Credentials are resolved then, never
 * kept in files or jobs. Reloaded files close the sessions of what changed.
 */
export class Sessions {
  readonly #open = new Map<string, Promise<ConnectorSession>>()
  /** By connection what its last session was opened with, and by session, for work under way goes on with a former one. */
  readonly #openedWith = new Map<string, string>()
  readonly #marks = new WeakMap<ConnectorSession, string>()
  readonly #sources: SecretSources
  readonly #clock: Clock
  readonly #log: Logger
  readonly #tokens: (connection: string) => TokenStore
  readonly #uploads: (connection: string) => UploadStore
  readonly #quotas: QuotaStore
  readonly #refused: (connection: string, refusal: Refusal) => void
  #files: HubFiles

  constructor(options: {
    files: HubFiles
    sources: SecretSources
    clock: Clock
    log: Logger
    tokens: (connection: string) => TokenStore
    uploads: (connection: string) => UploadStore
    quotas: QuotaStore
    refused: (connection: string, refusal: Refusal) => void
  }) {
    this.#files = options.files
    this.#sources = options.sources
    this.#clock = options.clock
    this.#log = options.log
    this.#tokens = options.tokens
    this.#uploads = options.uploads
    this.#quotas = options.quotas
    this.#refused = options.refused
  }

  get(connection: string): Promise<ConnectorSession> {
    const open = this.#open.get(connection) ?? this.#start(connection)
    this.#open.set(connection, open)
    return open
  }

  /** A connection that no file defines any more, as it was; for what has to be cleaned up there. */
  getFormer(config: FormerConnection, catalogue: Catalogue): Promise<ConnectorSession> {
    const key = `former ${config.name}`
    const open = this.#open.get(key) ?? this.#start(config.name, { key, config, catalogue })
    this.#open.set(key, open)
    return open
  }

  async #start(
    name: string,
    former?: { key: string; config: FormerConnection; catalogue: Catalogue },
  ): Promise<ConnectorSession> {
    try {
      const config = former?.config ?? connectionNamed(this.#files.config.connections, name)
      const connector = (former?.catalogue ?? this.#files.catalogue).get(config.connector)
      const secrets: Record<string, string> = {}
      for (const [field, reference] of Object.entries(config.secrets))
        secrets[field] = await resolveSecret(reference, this.#sources)
      this.#log.addSecrets(Object.values(secrets))
      const mark = markOf(name, config.settings, secrets)
      if (!former) this.#openedWith.set(name, mark)
      const session = await connector.open({
        name,
        settings: { ...config.settings, ...secrets },
        allow: config.allow,
        ...(config.maxPerSecond === null ? {} : { maxPerSecond: config.maxPerSecond }),
        ...(config.maxConcurrent === null ? {} : { maxConcurrent: config.maxConcurrent }),
        ...(config.traceparent ? { traceparent: true } : {}),
        ...(await this.#tls(config)),
        tokens: this.#tokens(name),
        uploads: this.#uploads(name),
        onRefused: (refusal) => this.#refused(name, refusal),
        gate: (quota) => new SharedQuotaGate(quota, this.#quotas, this.#clock),
        clock: this.#clock,
        log: this.#log.child({ connection: name }),
      })
      this.#marks.set(session, mark)
      return session
    } catch (error) {
      // The next one tries anew: the secret may be there by then.
      this.#open.delete(former?.key ?? name)
      throw error
    }
  }

  /** Stands for settings and secrets of a connection as they are now; null while a secret cannot be read. */
  async markOf(name: string): Promise<string | null> {
    const config = this.#files.config.connections.get(name)
    if (!config) return null
    try {
      const secrets: Record<string, string> = {}
      for (const [field, reference] of Object.entries(config.secrets))
        secrets[field] = await resolveSecret(reference, this.#sources)
      return markOf(name, config.settings, secrets)
    } catch {
      return null
    }
  }

  /** Whether a session, or the last one of the connection, has settings or secrets that are others by now: they were rotated while it was open. */
  async isOutdated(name: string, session?: ConnectorSession): Promise<boolean> {
    const now = await this.markOf(name)
    const then = session ? this.#marks.get(session) : this.#openedWith.get(name)
    return now !== null && then !== undefined && now !== then
  }

  /** Closes the session of one connection; the next use opens it anew. */
  async forget(name: string): Promise<void> {
    const session = this.#open.get(name)
    this.#open.delete(name)
    void closed(session)
  }

  async #tls({ tls }: Pick<ConnectionConfig, 'tls'>) {
    const read = (path: string): Promise<Buffer> => readFile(resolve(this.#files.config.folder, path))
    if (!tls.ca && !tls.certificate) return {}
    return {
      tls: {
        ...(tls.ca ? { ca: await read(tls.ca) } : {}),
        ...(tls.certificate ? { cert: await read(tls.certificate) } : {}),
        ...(tls.key ? { key: await resolveSecret(tls.key, this.#sources) } : {}),
      },
    }
  }

  /** Takes new files and closes all sessions; work under way ends with its own and later work opens new ones. */
  async replace(files: HubFiles): Promise<void> {
    this.#files = files
    void this.close()
  }

  async close(): Promise<void> {
    const sessions = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(sessions.map(closed))
  }
}

const markOf = (name: string, settings: object, secrets: Record<string, string>): string =>
  digest(JSON.stringify([name, settings, secrets]))

/** One that never opened is closed. */
const closed = async (session: Promise<ConnectorSession> | undefined): Promise<void> =>
  session?.then((open) => open.close()).catch(() => undefined)
