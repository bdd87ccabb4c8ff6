import {
  type BackendFactory,
  type PostgresConnectionOptions,
  PostgresQueueBackend,
  runMigrations,
  SchemaMigrationRequiredError,
  withBackend,
} from 'bullmq'
import { CausewayError } from '../core/index.ts'
import type { WorkKind } from './contract.ts'
import type { Driver, JobProcessor } from './driver.ts'
import type { JobData } from './job.ts'
import { SharedConnection } from './postgres-connection.ts'
import type { QueueTuning } from './tuning.ts'
import { queueDefaults, workerDefaults } from './worker-settings.ts'

export type PostgresTarget = { backend: 'postgres'; connectionString: string; schema?: string }

/** BullMQ's own tables stand apart from the ledger's, so that each can be migrated, dumped and emptied alone. */
const DEFAULT_SCHEMA = 'causeway_queue'

/** As long as a job is locked without a sign of life; not less on any tuning, for a busy machine may pause a process for a second. */
const TRANSACTION_IDLE_MS = 8_000

/** BullMQ's backend with two habits changed that matter after an outage. */
class PatientBackend extends PostgresQueueBackend {
  readonly #idlePollMs: number

  constructor(connection: SharedConnection, name: string, options: BackendOptions, idlePollMs: number) {
    super(connection, name, options)
    this.#idlePollMs = idlePollMs
  }

  /** Upstream lets an idle worker sleep for an hour when its connection broke at the wrong moment. */
  override get maximumBlockTimeout(): number {
    return this.#idlePollMs / 1000
  }

  /** A worker asks again at once when this fails, thousands of times a second while Postgres starts up: slow it down. */
  override async moveToActive(...args: Parameters<PostgresQueueBackend['moveToActive']>) {
    try {
      return await super.moveToActive(...args)
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      throw error
    }
  }
}

type BackendOptions = Parameters<BackendFactory<PostgresQueueBackend, PostgresConnectionOptions>>[1]

/** Connects and checks that the tables are there; throws CSW-7001 when Postgres is away, CSW-7002 when they are not. */
export async function openPostgresDriver(target: PostgresTarget, tuning: QueueTuning): Promise<Driver> {
  const schema = checkedSchema(target)
  const connection = connect(target, schema, tuning)
  try {
    await connection.waitUntilReady()
  } catch (error) {
    await connection.end().catch(() => undefined)
    throw asQueueError(error, schema)
  }
  return postgresDriver(connection, schema, tuning)
}

function postgresDriver(connection: SharedConnection, schema: string, tuning: QueueTuning): Driver {
  // Four queues and four workers listen for its errors.
  connection.setMaxListeners(0)
  const heartbeat = setInterval(() => connection.checkListener(), 3 * tuning.callTimeoutMs).unref()
  const factory: BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> = (name, options) =>
    new PatientBackend(connection, name, options, tuning.idlePollMs)
  const { Queue, Worker } = withBackend(factory)
  // BullMQ insists on a connection option even when the factory has its own.
  const options = { connection: connection.pool }
  return {
    name: 'postgres',
    queue: (kind) => new Queue<JobData, void>(kind, { ...options, ...queueDefaults }),
    worker: (kind, processor: JobProcessor, concurrency) =>
      new Worker<JobData, void>(kind, processor, { ...options, ...workerDefaults(tuning), concurrency }),
    announce: (kinds) => connection.setListenClientName(`${schema}/${kinds.join(',')}`),
    async workerCount(kind, queue) {
      const [names = ''] = await queue.getBackend().getClientList()
      return names.split('\n').filter((line) => worksOn(line, schema, kind)).length
    },
    async ping() {
      await connection.pool.query('select 1')
    },
    async close() {
      clearInterval(heartbeat)
      await connection.end()
    },
  }
}

/** Reads `name=<schema>/<kind>,<kind>`, the application name of a listening session. */
function worksOn(line: string, schema: string, kind: WorkKind): boolean {
  const prefix = `name=${schema}/`
  return line.startsWith(prefix) && line.slice(prefix.length).split(',').includes(kind)
}

/** Brings BullMQ's tables up to date in one transaction under a lock; returns their version. Safe to run from several processes. */
export async function migratePostgresQueue(target: PostgresTarget, tuning: QueueTuning): Promise<number> {
  const schema = checkedSchema(target)
  const connection = connect(target, schema, { ...tuning, sessions: 1 })
  try {
    const client = await connection.pool.connect()
    try {
      return await runMigrations(client, schema)
    } finally {
      client.release()
    }
  } catch (error) {
    throw asQueueError(error, schema)
  } finally {
    await connection.end().catch(() => undefined)
  }
}

function connect(target: PostgresTarget, schema: string, tuning: QueueTuning): SharedConnection {
  return new SharedConnection({
    connectionString: target.connectionString,
    schema,
    max: tuning.sessions,
    connectionTimeoutMillis: tuning.callTimeoutMs,
    // Without it a query on a connection that died silently waits for the kernel to give up, which takes a quarter of an hour.
    query_timeout: 2 * tuning.callTimeoutMs,
    // A process frozen between two statements must not hold its rows of the queue for longer than its jobs.
    idle_in_transaction_session_timeout: TRANSACTION_IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
}

function checkedSchema(target: PostgresTarget): string {
  const schema = target.schema ?? DEFAULT_SCHEMA
  // The listening session's name holds the schema and the four kinds, and Postgres cuts names after 63 bytes.
  if (/^[a-z_][a-z0-9_]{0,30}$/.test(schema)) return schema
  throw new CausewayError('CSW-1002', {
    what: `The queue's schema name "${schema}" is not a lower-case identifier of at most 31 characters.`,
  })
}

function asQueueError(error: unknown, schema: string): CausewayError {
  if (error instanceof SchemaMigrationRequiredError) {
    return new CausewayError('CSW-7002', { what: `Schema "${schema}" has no queue tables.`, data: { schema } })
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new CausewayError('CSW-7001', { what: `The queue in Postgres does not answer: ${reason}`, cause: error })
}
