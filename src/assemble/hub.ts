import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type AccessControl, createAccess, type ProviderSettings } from '../access/index.ts'
import type { Environment, SecretSources, Settings } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { createLogger, type Logger, systemClock, throwOnErrors } from '../core/index.ts'
import type { HubServices } from '../http/index.ts'
import { createMappingRunner } from '../mapping/index.ts'
import { createMetrics, type Metrics } from '../metrics/index.ts'
import { FreshBodies, type HubModel, LocalWakes, OneAtATime, type Ports } from '../pipeline/index.ts'
import { migrateQueue, openQueue, type QueueTarget, SpacedWakes, type WorkQueue } from '../queue/index.ts'
import {
  breakLeases,
  createLedger,
  createSecretStore,
  followLedgerClock,
  holdLease,
  InboxWriter,
  inboxPool,
  listenForCalls,
  MasterKeys,
  migrate,
  openStore,
  QuotaBook,
  type Store,
  SubscriptionBook,
  sealBodies,
} from '../store/index.ts'
import { trimFeed } from '../store/views/index.ts'
import { startTraces, traceSettings } from '../traces/index.ts'
import { Adoption } from './adoption.ts'
import { alertSweep } from './alerts.ts'
import { analyticsSweep } from './analytics.ts'
import { bulkSweep } from './bulk-actions.ts'
import { Erasures } from './erasures.ts'
import { type HubFolder, readConnectors, readHubFiles, targetSchema } from './files.ts'
import type { HubFiles } from './hub-files.ts'
import { keepingSweep } from './keeping.ts'
import { matchingSweep } from './matching.ts'
import { boundHeapGrowth, giveBackAtRest } from './memory.ts'
import { toModel, toShape } from './model.ts'
import { Refusals } from './refusals.ts'
import { startSamples } from './samples.ts'
import { masterKeySource } from './secrets.ts'
import { createServices } from './services.ts'
import { Sessions } from './sessions.ts'
import { readStored } from './stored-secrets.ts'
import { KnownSecrets, subscriptionSweep } from './subscriptions.ts'
import { sealedTokens } from './tokens.ts'
import { sealedUploads } from './uploads.ts'
import { watchFiles } from './watch.ts'
import { startWork } from './work.ts'

/**
 * Shorter than the default: a killed worker's work must be taken up within 15 s, and a sweep that finds it comes every three.
 * Holders renew at a third of it.
 */
const LEASE_MS = 10_000
/** Nobody starts a worker to kill it later than that, as a rule; see `OneAtATime`. */
const SETTLE_MS = 5_000
const INBOX_WAKE_MS = 1_000
const FEED_TRIM_MS = 30_000

/** Mappings that are compiled at the start; with more of them the start itself would wait. */
const MOST_WARMED = 50

/** `all`: serves and works. `serve`, `worker`: one of them. `command`: neither, for one look or wish. */
export type HubRole = 'all' | 'serve' | 'worker' | 'command'

export type HubOptions = HubFolder & {
  role: HubRole
  logger?: Logger
  /** Edits of files take effect without a restart. */
  watch?: boolean
}

/** An open hub: files read, ledger migrated and registered, queue connected, and at work if its role says so. */
export type Hub = {
  services: HubServices
  access: AccessControl
  /** Measures this process from now on; closed with the hub. */
  measure(version: string): Metrics
  pool: Store['pool']
  settings: Settings
  /** `settings.data_dir` as an absolute path. */
  dataDir: string
  logger: Logger
  files(): HubFiles
  /** Reads the files again. With errors in them the old ones stay in force and the errors are given back. */
  reload(): Promise<HubFiles>
  /** Stops taking work and lets what is under way finish. */
  finishWork(): Promise<void>
  /** `finishWork`, and closes everything it opened. */
  close(): Promise<void>
}

/**
 * Opens the hub of a folder. Sample systems start first where the settings ask for them, because the connections' addresses
 * come from them. Throws the first finding when the files have errors.
 */
export async function openHub(options: HubOptions): Promise<Hub> {
  boundHeapGrowth()
  const samples = await startSamples(options)
  try {
    const own = options.env ?? process.env
    return await openWith({ ...options, env: samples.env, own }, samples.stop)
  } catch (error) {
    await samples.stop()
    throw error
  }
}

async function openWith(options: HubOptions & OwnEnvironment, stopSamples: () => Promise<void>): Promise<Hub> {
  const files = await readHubFiles(options)
  throwOnErrors(files.blocking)
  const { settings } = files.config
  const logger = options.logger ?? createLogger({ level: settings.log_level, format: settings.log_format })
  const dataDir = resolve(options.dir, settings.data_dir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const store = await openStore({
    databaseUrl: settings.database_url ?? undefined,
    folder: dataDir,
    max: settings.database_sessions,
    onRestart: (reason) => logger.warn({ reason }, 'embedded Postgres was started again'),
  })
  let stopClock = (): void => {}
  try {
    await migrate(store.pool)
    // With the embedded server this process is the only one: whoever held a lease or had a run is dead.
    if (store.embedded) {
      await breakLeases(store.pool)
      await createLedger(store.pool).markInterrupted(0)
    }
    stopClock = await followLedgerClock(store.pool)
    const queue = await openHubQueue(settings, store, logger)
    return await assemble({ ...options, logger, store, stopClock, queue, dataDir, files, stopSamples })
  } catch (error) {
    stopClock()
    await store.close()
    throw error
  }
}

async function openHubQueue(settings: Settings, store: Store, log: Logger): Promise<WorkQueue> {
  const target: QueueTarget = settings.redis_url
    ? { backend: 'redis', url: settings.redis_url }
    : { backend: 'postgres', connectionString: store.url }
  await migrateQueue(target)
  return openQueue(target, { log })
}

/** The environment without the addresses of sample systems. */
type OwnEnvironment = { own: Environment }

type Parts = HubOptions &
  OwnEnvironment & {
    logger: Logger
    store: Store
    queue: WorkQueue
    dataDir: string
    files: HubFiles
    stopClock(): void
    stopSamples(): Promise<void>
  }

async function assemble(parts: Parts): Promise<Hub> {
  const { logger, store, queue, dataDir } = parts
  let files = parts.files
  let whole: { of: HubFiles; catalogue: Catalogue } | undefined
  const { settings } = files.config
  const env = parts.env ?? process.env
  const keys = await MasterKeys.load(masterKeySource(settings, parts.dir, dataDir))
  const secrets = createSecretStore(store.pool, keys)
  const sources: SecretSources = {
    env,
    folder: parts.dir,
    store: (connection, name) => readStored(secrets, connection, name),
  }
  const refusals = new Refusals({ pool: store.pool, clock: systemClock, log: logger })
  const sessions = new Sessions({
    files,
    clock: systemClock,
    log: logger,
    tokens: (connection) => sealedTokens(store.pool, secrets, connection),
    uploads: (connection) => sealedUploads(secrets, connection),
    quotas: new QuotaBook(store.pool),
    refused: (connection, refusal) => refusals.note(connection, refusal),
    sources,
  })
  sealBodies(store.pool, secrets)
  const ledger = createLedger(store.pool)
  const mappings = createMappingRunner({
    processes: settings.mapping_processes,
    targetSchema: (sync) => targetSchema(files, sync),
    onSharedNetwork: (reason) => logger.warn({ reason }, 'mapping processes share the network of this machine'),
  })
  const erasures = new Erasures(store.pool, secrets, dataDir)
  await erasures.open()
  let model: HubModel = await register(ledger, files, erasures)
  // In a container, the process after a crash has the host name and the number of the one before.
  const holder = `${hostname()}/${process.pid}/${randomUUID()}`
  const ports: Ports = {
    ledger,
    holdLease: (name) => holdLease(store.pool, name, { holder, ttlMs: LEASE_MS }),
    queue,
    session: (name) => sessions.get(name),
    credentials: sessions,
    erasures,
    mappings,
    model: () => model,
    bodies: new FreshBodies(),
    wakes: new LocalWakes(),
    alone: new OneAtATime(SETTLE_MS),
    clock: systemClock,
    log: logger,
  }
  // Workers are called by the commit itself; the job finds one where that call was lost.
  const inboxWakes = new SpacedWakes(INBOX_WAKE_MS, (ids) => queue.wakeMany('inbox', ids))
  const intakePool = inboxPool(store.url)
  const inbox = new InboxWriter(intakePool, { onCommit: (ids) => inboxWakes.wake(ids.map(String)) }, store.pool)
  const allConnectors = (): Catalogue => {
    // Read when somebody asks for it, and again after the files changed.
    if (whole?.of !== files) whole = { of: files, catalogue: readConnectors(parts.dir, settings.connectors_dir) }
    return whole.catalogue
  }
  const book = new SubscriptionBook(store.pool, secrets)
  let work: Awaited<ReturnType<typeof startWork>> | undefined
  const adoption = new Adoption({
    pool: store.pool,
    env: parts.own,
    sources,
    log: logger,
    read: () => readHubFiles(parts),
    use: async (next) => {
      files = next
      await sessions.replace(next)
      model = await register(ledger, next, erasures)
      work?.replaceTimetable(next)
    },
  })
  const alertChannel = {
    sources,
    publicUrl: settings.public_url,
    addSecrets: (values: readonly string[]) => logger.addSecrets(values),
  }
  const services = createServices({
    pool: store.pool,
    env: parts.own,
    alertChannel,
    adoption,
    mappings,
    book,
    hookSecrets: new KnownSecrets(book),
    ports,
    queue,
    inbox,
    erasures,
    keys,
    secrets,
    log: logger,
    files: () => files,
    allConnectors,
    clock: systemClock,
    publicUrl: settings.public_url,
  })
  const hooks = subscriptionSweep({
    ports,
    book,
    sessions,
    files: () => files,
    allConnectors,
    publicUrl: settings.public_url,
  })
  const works = parts.role === 'all' || parts.role === 'worker'
  if (works) mappings.warm(files.syncs.slice(0, MOST_WARMED))
  // A look at a hub does not begin to work with its files.
  const looks = parts.role === 'command'
  const traces = looks ? null : traceSettings(settings)
  const endTraces = traces ? await startTraces(traces) : undefined
  if (!looks) await adoption.begin(files)
  const listen = (onCall: (kind: string, id: string) => void) =>
    listenForCalls(
      store.url,
      (kind, id) => void (adoption.heard(kind, id) || onCall(kind, id)),
      () => adoption.listening(),
    )
  if (works)
    work = await startWork({
      ports,
      pool: store.pool,
      queue,
      settings,
      holder,
      scheduled: () => files,
      sweeps: [
        hooks,
        bulkSweep(store.pool, ports),
        keepingSweep({ pool: store.pool, ports, erasures }),
        matchingSweep(ports, store.pool, () => files.entities),
        alertSweep({
          pool: store.pool,
          files: () => files,
          model: () => model,
          log: logger,
          clock: systemClock,
          holder,
          channel: alertChannel,
        }),
        { name: 'feed', everyMs: FEED_TRIM_MS, run: async () => void (await trimFeed(store.pool)) },
        analyticsSweep({ pool: store.pool, files: () => files, model: () => model, log: logger, dir: parts.dir }),
      ],
      listen,
    })
  if (work) ports.callLane = work.callLane
  const listener = parts.role === 'serve' ? listen(() => undefined) : undefined
  const reload = (): Promise<HubFiles> => adoption.reload(!looks)
  let metrics: Metrics | undefined
  const access = createAccess(store.pool, { provider: providerOf(settings) })
  const stopGivingBack = looks ? undefined : giveBackAtRest()
  let finished: Promise<void> | undefined
  const finishWork = (): Promise<void> => {
    finished ??= work?.stop() ?? Promise.resolve()
    return finished
  }
  const watcher = parts.watch ? watchFiles(files, reload, logger) : undefined

  return {
    services,
    access,
    measure(version) {
      metrics ??= createMetrics(store.pool, { version })
      return metrics
    },
    pool: store.pool,
    settings,
    dataDir,
    logger,
    files: () => files,
    reload,
    finishWork,
    async close() {
      access.provider?.close()
      metrics?.close()
      watcher?.close()
      stopGivingBack?.()
      await finishWork()
      await listener?.close()
      await inbox.close()
      await intakePool.end()
      await queue.close()
      await mappings.close()
      await sessions.close()
      await refusals.settled()
      await endTraces?.()
      parts.stopClock()
      await store.close()
      await parts.stopSamples()
    },
  }
}

/** The `oidc_` settings, where there is a provider. */
function providerOf(settings: Settings): ProviderSettings | null {
  if (settings.oidc_issuer === null) return null
  return {
    issuer: settings.oidc_issuer,
    clientId: settings.oidc_client_id ?? '',
    clientSecret: settings.oidc_client_secret,
    label: settings.oidc_label,
    scopes: settings.oidc_scopes,
    roleClaim: settings.oidc_role_claim,
    roles: settings.oidc_roles ?? '',
    allow: settings.oidc_allow,
    publicUrl: settings.public_url,
  }
}

async function register(ledger: Ports['ledger'], files: HubFiles, erasures: Erasures): Promise<HubModel> {
  const registry = await ledger.registerHub(toShape(files.config.connections.values(), files.syncs, files.entities))
  if (registry.streams.some(({ keeping }) => keeping !== 'full')) await erasures.prepare()
  return toModel(registry, files.syncs, files.entities)
}
