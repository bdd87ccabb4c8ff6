/**
 * Settings of the embedded server, given on its command line so that an upgrade of the hub changes them. Sized for two cores
 * and a few hundred megabytes; whoever has more sets `DATABASE_URL`.
 */
export function serverSettings(port: number, durable: boolean): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '60',
    shared_buffers: '128MB',
    work_mem: '8MB',
    maintenance_work_mem: '96MB',
    wal_compression: 'pglz', // the packaged build has neither lz4 nor zstd
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
