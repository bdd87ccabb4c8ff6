import type { Duplex } from 'node:stream'
import pg from 'pg'
import { asStoreError } from './failure.ts'

/** The pool of the ledger, and one session of it, for rooms that pass them on and speak no SQL. */
export type LedgerPool = pg.Pool
export type LedgerSession = pg.PoolClient

export type PoolOptions = {
  /** Most sessions this process may hold. */
  max?: number
  /** Shown in pg_stat_activity. */
  applicationName?: string
  /** What one statement may take. */
  statementMs?: number
  /** How long a session may be idle before it is closed; 10 s without it. */
  idleMs?: number
  /** How long a session may do nothing in the middle of a transaction; `TRANSACTION_IDLE_MS` without it. */
  transactionIdleMs?: number
}

/**
 * A worker that is frozen (SIGSTOP, a paused machine, a cut network) in the middle of a transaction keeps its row locks, and
 * whoever takes its lease over waits for them. Shorter than a lease, so that this never adds to the wait for the lease.
 */
const TRANSACTION_IDLE_MS = 8_000

/** The schema all our tables live in; the migrator creates it. */
export const SCHEMA = 'causeway'

const INT8 = 20
const INT8_ARRAY = 1016
const DATE = 1082
const TIMESTAMP = 1114

/** Sequence numbers and ids stay far below 2^53; anything above stays text rather than become another number. */
function parseInt8(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

/** Elements are digits or NULL, so no quoting has to be undone. */
function parseInt8Array(text: string): (number | string | null)[] {
  const inner = text.slice(1, -1)
  return inner === '' ? [] : inner.split(',').map((item) => (item === 'NULL' ? null : parseInt8(item)))
}

const keepText = (text: string): string => text

/**
 * Parsers of our pool only; node-pg's global table is left alone. int8 → number, timestamptz → Date (as node-pg does it),
 * date and timestamp without zone → text, because node-pg would read them in the zone of this machine.
 */
const parsers = new Map<number, (text: string) => unknown>([
  [INT8, parseInt8],
  [INT8_ARRAY, parseInt8Array],
  [DATE, keepText],
  [TIMESTAMP, keepText],
])

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format as 'text'),
} as NonNullable<pg.PoolConfig['types']>

/**
 * Makes failures of `pool.query` and `pool.connect` coded: connection loss is CSW-6001, so that work is retried instead of
 * raising an alarm. The callback form of `connect` is node-pg's own business (`query` stands on it) and left alone.
 */
function codeFailures(pool: pg.Pool): void {
  type Untyped = (...args: unknown[]) => Promise<unknown>
  const query = pool.query.bind(pool) as unknown as Untyped
  const connect = pool.connect.bind(pool) as unknown as Untyped
  const rethrow = (error: unknown): never => {
    throw asStoreError(error)
  }
  const coded: { query: Untyped; connect: Untyped } = {
    query: (...args) => query(...args).catch(rethrow),
    connect: (...args) => (args.length ? connect(...args) : connect().catch(rethrow)),
  }
  Object.assign(pool, coded)
}

/**
 * Lets what is sent within one turn leave in one packet. node-pg writes each statement to the socket by itself, and for statements that do not
 * wait for each other that is a system call, a packet and a wake-up of the server each: of a webhook's way most of the time of the processor.
 */
function gatherWrites(stream: Duplex): void {
  const write = stream.write
  let gathering = false
  const gathered = (...args: Parameters<Duplex['write']>): boolean => {
    if (!gathering) {
      gathering = true
      stream.cork()
      process.nextTick(() => {
        gathering = false
        stream.uncork()
      })
    }
    return write.apply(stream, args)
  }
  stream.write = gathered as Duplex['write']
}

/** Opens a pool on `url` with our type parsers and the schema on the search path. Connects lazily. */
export function createPool(url: string, options: PoolOptions = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'causeway',
    // A start-up parameter, so that it costs no round trip. (pgbouncer: session mode, `ignore_startup_parameters` unset.)
    options: `-c search_path=${SCHEMA} -c timezone=UTC`,
    idle_in_transaction_session_timeout: options.transactionIdleMs ?? TRANSACTION_IDLE_MS,
    connectionTimeoutMillis: 10_000,
    ...(options.statementMs === undefined ? {} : { statement_timeout: options.statementMs }),
    ...(options.idleMs === undefined ? {} : { idleTimeoutMillis: options.idleMs }),
    keepAlive: true,
    // Statements that do not wait for each other share a round trip; what is awaited one by one goes as ever.
    pipeline: true,
    types,
  })
  // A broken idle session is replaced at the next use. Without a listener node-pg would end the process, and the listener
  // must also stand on sessions that are checked out.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    gatherWrites(client.connection.stream)
  })
  codeFailures(pool)
  return pool
}
