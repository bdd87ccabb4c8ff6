import { totalmem } from 'node:os'

const MB = 2 ** 20
/** Of the memory there is, which the hub and the cache of files share with the server. */
const SHARE = 8
const LEAST_MB = 128
const MOST_MB = 2_048

/**
 * What the server keeps of its tables in memory, by what the machine or the container has. Only pages that were used take any; beyond it, a record
 * that is touched at random costs twice as much, because dirty pages are written to make room for it (docs/scale.md).
 */
export function sharedBuffers(bytes = memoryOfMachine()): string {
  return `${Math.min(MOST_MB, Math.max(LEAST_MB, Math.floor(bytes / SHARE / MB)))}MB`
}

/** The limit of a container is 0 where nobody says one, and a huge number where it has none. */
const memoryOfMachine = (): number => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)

/**
 * Settings of the embedded server, given on its command line so that an upgrade of the hub changes them. Sized for two cores
 * and a machine that it shares with the hub; whoever has more sets `DATABASE_URL`.
 */
export function serverSettings(port: number, durable: boolean): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '60',
    shared_buffers: sharedBuffers(),
    work_mem: '8MB',
    maintenance_work_mem: '96MB',
    // The packaged build has pglz only, which took 85 µs for each page that is logged whole: two of them for a record changed at random.
    wal_compression: 'off',
    max_wal_size: '1GB',
    checkpoint_timeout: '10min',
    random_page_cost: '1.1',
    jit: 'off', // compiling costs more than our short statements take
    max_parallel_workers_per_gather: '0', // keeps the cores for the hub, and /dev/shm (64 MB in containers) unused
    autovacuum_naptime: '5s',
    autovacuum_vacuum_cost_delay: '1ms',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // Statements and their error texts can hold values of records; the log gets what the server itself does and no more.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    log_autovacuum_min_duration: '-1',
    // Commits still reach the operating system, so that tests may kill the server; only a power cut would lose them.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
