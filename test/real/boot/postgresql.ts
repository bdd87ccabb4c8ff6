import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { freePort, run, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'

const password = 'real-warehouse-only-here'

/** Starts Debian's PostgreSQL on loopback with an empty table of customers. It refuses to run as root. */
export async function bootPostgres(options: BootOptions): Promise<RunningSystem> {
  requirePackages('PostgreSQL', ['postgresql'], options.install)
  const bin = `/usr/lib/postgresql/${readdirSync('/usr/lib/postgresql').sort().at(-1)}/bin`
  const folder = path.join(options.folder, 'postgresql')
  mkdirSync(folder, { recursive: true })
  const secret = path.join(folder, 'password')
  writeFileSync(secret, password)
  const root = process.getuid?.() === 0
  if (root) execFileSync('chown', ['-R', 'postgres:postgres', folder])
  const as = root ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] : []
  const data = path.join(folder, 'data')
  const init = ['-D', data, '-U', 'hub', '--pwfile', secret, '-A', 'scram-sha-256', '-E', 'UTF8', '--no-sync']
  await run([...as, `${bin}/initdb`, ...init])
  const port = await freePort()
  const env = { PGPASSWORD: password, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'hub', PGDATABASE: 'postgres' }
  const server = await startServer({
    command: [`${bin}/postgres`, '-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F'],
    log: path.join(options.folder, 'postgresql.log'),
    mark: folder,
    answers: async () => (await run([`${bin}/psql`, '-c', 'select 1'], { env })) !== '',
    detached: options.detached,
    ...(root ? { user: 'postgres' } : {}),
  })
  await run([`${bin}/psql`, '-v', 'ON_ERROR_STOP=1'], { env, input: schema })
  return {
    name: 'postgresql',
    pid: server.pid,
    stop: server.stop,
    env: {
      ...{ POSTGRES_PORT: String(port), POSTGRES_PSQL: `${bin}/psql`, POSTGRES_DATABASE: 'postgres' },
      ...{ POSTGRES_USER: 'hub', POSTGRES_PASSWORD: password },
    },
  }
}

const schema = `
create schema stock;
create table stock.customers (
  id uuid primary key default gen_random_uuid(), number text not null unique, name text not null, credit numeric(20,4),
  born date, photo bytea, extra jsonb, updated_at timestamptz not null default clock_timestamp());
create function stock.touch() returns trigger language plpgsql as 'begin new.updated_at = clock_timestamp(); return new; end';
create trigger touch before update on stock.customers for each row execute function stock.touch();
`
