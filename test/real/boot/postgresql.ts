import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { freePort, run, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'
import { tlsFiles } from './tls.ts'

const password = 'real-warehouse-only-here'
export const stockCount = 1_000

/**
 * Starts Debian's PostgreSQL on loopback with an empty table of customers and one of a thousand products. It refuses to run as
 * root. One user must come over TLS; the certificate names 127.0.0.1, and not 127.0.0.2, where it listens too.
 */
export async function bootPostgres(options: BootOptions): Promise<RunningSystem> {
  requirePackages('PostgreSQL', ['postgresql', 'openssl'], options.install)
  const bin = `/usr/lib/postgresql/${readdirSync('/usr/lib/postgresql').sort().at(-1)}/bin`
  const folder = path.join(options.folder, 'postgresql')
  mkdirSync(folder, { recursive: true })
  const secret = path.join(folder, 'password')
  writeFileSync(secret, password)
  const tls = await tlsFiles(path.join(folder, 'tls'))
  const root = process.getuid?.() === 0
  if (root) execFileSync('chown', ['-R', 'postgres:postgres', folder])
  const as = root ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] : []
  const data = path.join(folder, 'data')
  const init = ['-D', data, '-U', 'hub', '--pwfile', secret, '-A', 'scram-sha-256', '-E', 'UTF8', '--no-sync']
  await run([...as, `${bin}/initdb`, ...init])
  writeFileSync(path.join(data, 'pg_hba.conf'), accessRules)
  const port = await freePort()
  const env = { PGPASSWORD: password, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'hub', PGDATABASE: 'postgres' }
  const ssl = ['-c', 'ssl=on', '-c', `ssl_cert_file=${tls.certificate}`, '-c', `ssl_key_file=${tls.key}`]
  const server = await startServer({
    command: [
      `${bin}/postgres`,
      '-D',
      data,
      '-h',
      '127.0.0.1,127.0.0.2',
      '-p',
      String(port),
      '-k',
      folder,
      '-F',
      ...ssl,
    ],
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
      ...{ POSTGRES_USER: 'hub', POSTGRES_TLS_USER: 'hub_tls', POSTGRES_PASSWORD: password, POSTGRES_CA_FILE: tls.ca },
    },
  }
}

/** `hub_tls` is refused in the clear. */
const accessRules = `
hostnossl all hub_tls all reject
host all all 127.0.0.0/8 scram-sha-256
`

const schema = `
create schema stock;
create table stock.customers (
  id uuid primary key default gen_random_uuid(), number text not null unique, name text not null, credit numeric(20,4),
  born date, photo bytea, extra jsonb, updated_at timestamptz not null default clock_timestamp());
create function stock.touch() returns trigger language plpgsql as 'begin new.updated_at = clock_timestamp(); return new; end';
create trigger touch before update on stock.customers for each row execute function stock.touch();
create role hub_tls login password '${password}';
create table stock.products (
  id uuid primary key default gen_random_uuid(), sku text not null unique, name text not null, price numeric(20,4),
  weight double precision, active boolean not null default true, sold_at timestamptz, picture bytea, extra jsonb,
  updated_at timestamptz not null default clock_timestamp());
create trigger touch before update on stock.products for each row execute function stock.touch();
insert into stock.products (sku, name, price, weight, active, sold_at, picture, extra, updated_at)
  select 'P' || lpad(n::text, 5, '0'), 'Öse „' || n || '“, Größe', n / 7.0, n / 8.0, n % 3 > 0,
         timestamptz '2026-01-05 08:00:00.123456+02' + n * interval '1 hour', decode(md5(n::text), 'hex'),
         jsonb_build_object('n', n, 'list', jsonb_build_array(n)), now() - interval '1 day' + n * interval '1 second'
    from generate_series(1, ${stockCount}) n;
grant usage on schema stock to hub_tls;
grant select on stock.products to hub_tls;
`
