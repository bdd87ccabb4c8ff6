import { mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { freePort, run, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'
import { tlsFiles } from './tls.ts'

const password = 'real-shop-only-here'
export const shopCount = 1_000

/**
 * Starts MariaDB on loopback with a shop of a thousand customers and no products; the hub may read and write that database only,
 * as one user in the clear, as another over TLS only. The certificate names 127.0.0.1, and not 127.0.0.2, where it listens too.
 */
export async function bootMariaDb(options: BootOptions): Promise<RunningSystem> {
  requirePackages('MariaDB', ['mariadb-server', 'openssl'], options.install)
  const folder = path.join(options.folder, 'mariadb')
  mkdirSync(folder, { recursive: true })
  const user = userInfo().username
  const data = path.join(folder, 'data')
  await run([
    ...['mariadb-install-db', '--no-defaults', `--user=${user}`, `--datadir=${data}`, '--skip-test-db'],
    '--auth-root-authentication-method=normal',
  ])
  const tls = await tlsFiles(path.join(folder, 'tls'))
  const port = await freePort()
  const socket = path.join(folder, 'admin.sock')
  const admin = ['mariadb', '--no-defaults', '-uroot', '-S', socket]
  const server = await startServer({
    command: [
      ...['mariadbd', '--no-defaults', `--user=${user}`, `--datadir=${data}`, `--port=${port}`, `--socket=${socket}`],
      ...[
        '--bind-address=127.0.0.1,127.0.0.2',
        `--ssl-cert=${tls.certificate}`,
        `--ssl-key=${tls.key}`,
        `--ssl-ca=${tls.ca}`,
        `--pid-file=${folder}/pid`,
        '--skip-log-bin',
        '--innodb-flush-log-at-trx-commit=2',
      ],
    ],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: async () => (await run([...admin, '-e', 'select 1'])) !== '',
    detached: options.detached,
  })
  await run(admin, { input: seed })
  return {
    name: 'mariadb',
    pid: server.pid,
    stop: server.stop,
    env: {
      ...{ MARIADB_PORT: String(port), MARIADB_SOCKET: socket, MARIADB_DATABASE: 'shop' },
      ...{ MARIADB_USER: 'hub', MARIADB_TLS_USER: 'hub_tls', MARIADB_PASSWORD: password, MARIADB_CA_FILE: tls.ca },
    },
  }
}

const seed = `
create database shop character set utf8mb4;
create user hub@'127.0.0.1' identified by '${password}';
create user hub_tls@'127.0.0.1' identified by '${password}' require ssl;
grant select, insert, update, delete on shop.* to hub@'127.0.0.1', hub_tls@'127.0.0.1';
use shop;
create table customers (
  id bigint unsigned auto_increment primary key, number varchar(40) not null unique, name varchar(100) not null,
  credit decimal(20,4), born date, photo blob, extra json,
  updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6), key (updated_at, id));
create table products (
  id bigint unsigned auto_increment primary key, sku varchar(40) not null unique, name varchar(100) not null,
  price decimal(20,4), weight double, active boolean not null, sold_at datetime(6), picture mediumblob, extra json);
insert into customers (number, name, credit, born, photo, extra, updated_at)
  select concat('K', lpad(seq, 5, '0')), concat('Żaneta Ö''Brien ', seq), seq / 7, '1970-01-01' + interval seq day,
         unhex(sha1(seq)), json_object('n', seq, 'list', json_array(seq)),
         utc_timestamp(6) - interval 1 day + interval seq second
    from seq_1_to_${shopCount};
`
